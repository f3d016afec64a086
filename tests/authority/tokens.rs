//! Which tokens open a session, for how long, and which answers set one.

use std::time::Duration;

use actix_web::http::StatusCode;
use sessions::{SessionConfig, store::Store};
use sessions_tests::{Answer, Browser, in_memory::meanwhile, stage::Stage, with_token};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) async fn a_rotation_refuses_no_write_of_the_page<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let former = browser.cookie("id").unwrap().to_owned();

    // A request under way, and one that the browser sends before it has the new token.
    let slow = Answer::of(&app, with_token("/wait/count/insert-slow", &former));
    let slow = meanwhile(&host, slow, async || {
        browser.get(&other, "/rotate").await;
        stage.time.advance(9 * SECOND);
        let late = Answer::of(&other, with_token("/count/rotate", &former)).await;
        assert_eq!((late.status, late.cookie()), (StatusCode::OK, None));
        assert_eq!(late.body, "2");
    })
    .await;
    assert_eq!((slow.status, slow.cookie()), (StatusCode::OK, None));
    assert_ne!(browser.cookie("id").unwrap(), former);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":3,"slow":true}"#);

    stage.time.advance(SECOND);
    let stale = Answer::of(&app, with_token("/count", &former)).await;
    assert_eq!((stale.status, stale.cookie()), (StatusCode::CONFLICT, None));
    assert_eq!(Answer::of(&app, with_token("/read", &former)).await.body, "{}");
}

pub(crate) async fn a_renewal_of_rights_leaves_no_grace<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    for renewal in ["/renew", "/login-7"] {
        let mut browser = Browser::new();
        browser.get(&app, "/insert-basket").await;
        let first = browser.cookie("id").unwrap().to_owned();
        browser.get(&app, "/rotate").await;
        let second = browser.cookie("id").unwrap().to_owned();
        assert_eq!(Answer::of(&app, with_token("/read", &first)).await.body, r#"{"basket":true}"#);
        browser.get(&app, renewal).await;
        for former in [first, second] {
            let answer = Answer::of(&app, with_token("/read", &former)).await;
            assert_eq!((answer.body.as_str(), answer.cookie()), ("{}", None), "{renewal}");
            let answer = Answer::of(&app, with_token("/insert-x", &former)).await;
            assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None), "{renewal}");
        }
    }
}

pub(crate) async fn a_plain_write_sets_no_cookie<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    let mut browser = Browser::new();
    assert!(browser.get(&app, "/count").await.cookie().is_some());
    for path in ["/count", "/insert-a", "/remove-a", "/count/now"] {
        let answer = browser.get(&app, path).await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::OK, None), "{path}");
    }
    // Another expiry, and another token.
    for path in ["/permanent", "/count", "/rotate", "/renew", "/login-7"] {
        assert!(browser.get(&app, path).await.cookie().is_some(), "{path}");
    }
}

pub(crate) async fn a_lost_login_answer_blocks_for_a_minute_and_no_longer<S: Store>(
    stage: Stage<S>,
) {
    let host = stage.host();
    let app = host.app().await;
    for login in ["/login-7", "/renew/insert-user", "/rotate"] {
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let held = browser.cookie("id").unwrap().to_owned();
        Answer::of(&app, with_token(login, &held)).await;
        if login == "/rotate" {
            stage.time.advance(10 * SECOND);
        }
        let refused = browser.get(&app, "/count").await;
        assert_eq!((refused.status, refused.cookie()), (StatusCode::CONFLICT, None), "{login}");
        stage.time.advance(49 * SECOND);
        let refused = browser.get(&app, "/count").await;
        assert_eq!((refused.status, refused.cookie()), (StatusCode::CONFLICT, None), "{login}");
        stage.time.advance(11 * SECOND);
        assert_eq!(browser.get(&app, "/count").await.status, StatusCode::OK, "{login}");
        assert_ne!(browser.cookie("id").unwrap()[..22], held[..22], "{login}");
        assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#, "{login}");
    }
}

/// A browser sends both where one of them was set for another path.
pub(crate) async fn of_two_tokens_of_one_session_the_present_one_counts<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    for former_first in [true, false] {
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let former = browser.cookie("id").unwrap().to_owned();
        browser.get(&app, "/rotate").await;
        let present = browser.cookie("id").unwrap();
        let [one, other] = if former_first { [&*former, present] } else { [present, &*former] };
        let answer = Answer::of(&app, with_token("/renew", &format!("{one}; id={other}"))).await;
        assert_eq!(answer.status, StatusCode::OK, "the former one first: {former_first}");
        let renewed = answer.cookie().unwrap().value;
        assert_eq!(Answer::of(&app, with_token("/read", &renewed)).await.body, r#"{"n":1}"#);
    }
}

pub(crate) async fn a_client_that_renews_all_the_time_blocks_no_other<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    for renewal in ["/renew", "/rotate", "/login-7"] {
        let (mut one, mut other) = (Browser::new(), Browser::new());
        one.get(&app, "/count").await;
        let shared = one.cookie("id").unwrap().to_owned();
        other.set_cookie("id", &shared);
        for _ in 0..3 {
            one.get(&app, renewal).await;
            stage.time.advance(30 * SECOND);
        }
        assert_eq!(other.get(&app, "/insert-own").await.status, StatusCode::OK, "{renewal}");
        assert_eq!(other.get(&app, "/read").await.body, r#"{"own":true}"#, "{renewal}");
        assert!(one.get(&app, "/read").await.body.contains("\"n\":1"), "{renewal}");
    }
}

pub(crate) async fn a_token_opens_in_its_own_interface_only<S: Store>(stage: Stage<S>) {
    let shop = stage.named("shop", SessionConfig::new(), stage.time.clone());
    let admin = stage.named("admin", SessionConfig::new(), stage.time.clone());
    let salted = stage.named("shop", SessionConfig::new().salt("admin"), stage.time.clone());
    let (shop, admin) = (shop.app().await, admin.app().await);
    let salted = salted.app().await;
    let mut customer = Browser::new();
    customer.get(&shop, "/login-7/insert-secret").await;
    let token = customer.cookie("shop").unwrap().to_owned();
    for (app, cookie) in [(&admin, "admin"), (&salted, "shop")] {
        let mut thief = Browser::new();
        thief.set_cookie(cookie, &token);
        let answer = thief.get(app, "/owner").await;
        assert_eq!((answer.body.as_str(), answer.cookie()), ("", None), "{cookie}");
        assert_eq!(thief.get(app, "/insert-x").await.status, StatusCode::OK);
        assert_ne!(thief.cookie(cookie).unwrap()[..22], token[..22], "{cookie}");
    }
    assert_eq!(customer.get(&shop, "/owner").await.body, "7");
}
