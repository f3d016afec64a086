//! A purge ends what it opened, and nothing that was logged in since.

use std::time::Duration;

use actix_web::http::StatusCode;
use futures_util::future::join;
use sessions::{
    SessionConfig,
    policy::OnGone,
    store::Store,
    test::{Moment, Operation},
};
use sessions_tests::{Answer, Browser, in_memory::meanwhile, stage::Stage, with_token};

pub(crate) async fn a_purge_from_before_a_login_does_not_end_the_login<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for before in ["/insert-basket", "/login-7"] {
        let mut victim = Browser::new();
        victim.get(&other, before).await;
        let planted = victim.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token("/wait/purge", &planted));
        let answer = meanwhile(&host, slow, async || {
            victim.get(&other, "/login-7/insert-secret").await;
        })
        .await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None), "{before}");
        assert!(victim.get(&other, "/read").await.body.contains("secret"), "{before}");

        // Nor does a purge that comes later, with the token from before.
        let answer = Answer::of(&app, with_token("/purge", &planted)).await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None), "{before}");
        assert!(victim.get(&other, "/read").await.body.contains("secret"), "{before}");
    }
}

pub(crate) async fn a_logout_beside_a_rotation_is_carried_out<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for replaced in ["/rotate", "/renew", "/count"] {
        let mut browser = Browser::new();
        browser.get(&other, "/login-7").await;
        let token = browser.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token("/wait/purge", &token));
        let answer = meanwhile(&host, slow, async || {
            browser.get(&other, replaced).await;
        })
        .await;
        assert_eq!(answer.status, StatusCode::OK, "{replaced}");
        assert!(answer.cookie().unwrap().is_removal(), "{replaced}");
        assert_eq!(browser.get(&other, "/read").await.body, "{}", "{replaced}");
    }
    // A logout that the browser sends before it has the new token.
    for replaced in ["/rotate", "/renew"] {
        let mut browser = Browser::new();
        browser.get(&app, "/login-7").await;
        let token = browser.cookie("id").unwrap().to_owned();
        browser.get(&app, replaced).await;
        stage.time.advance(Duration::from_secs(30));
        let answer = Answer::of(&other, with_token("/purge", &token)).await;
        assert_eq!(answer.status, StatusCode::OK, "{replaced}");
        assert_eq!(browser.get(&other, "/read").await.body, "{}", "{replaced}");
    }
    assert_eq!(stage.store.inner().entries(), 0, "the index forgets what was ended");
}

/// Each time that the purge is about to delete the record, another host has written it.
pub(crate) async fn a_logout_is_not_starved_by_writers<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    let mut browser = Browser::new();
    browser.get(&app, "/login-7/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let mut gate = stage.store.hold(Moment::Before(Operation::DeleteIf));
    let purge = Answer::of(&app, with_token("/purge", &token));
    let writers = async {
        for _ in 0..5 {
            gate.reached().await;
            let next = stage.store.hold(Moment::Before(Operation::DeleteIf));
            let answer = Answer::of(&other, with_token("/count", &token)).await;
            assert_eq!(answer.status, StatusCode::OK);
            gate.open();
            gate = next;
        }
        gate.reached().await;
        gate.open();
    };
    let (answer, ()) = join(purge, writers).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(browser.get(&app, "/read").await.body, "{}");
}

pub(crate) async fn a_logout_ends_what_every_cookie_of_the_request_opens<S: Store>(
    stage: Stage<S>,
) {
    let host = stage.host();
    let app = host.app().await;
    let mut tokens = Vec::new();
    for number in 0..3 {
        let mut browser = Browser::new();
        browser.get(&app, &format!("/login-{number}")).await;
        tokens.push(browser.cookie("id").unwrap().to_owned());
    }
    let cookies = tokens.join("; id=");
    let answer = Answer::of(&app, with_token("/purge", &cookies)).await;
    assert_eq!(answer.status, StatusCode::OK);
    for token in tokens {
        assert_eq!(Answer::of(&app, with_token("/read", &token)).await.body, "{}");
    }
}

/// Between listing a session and ending it, its browser logs in as somebody else.
pub(crate) async fn ending_one_from_a_list_rechecks_the_owner<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for moment in [Moment::After(Operation::Load), Moment::Before(Operation::DeleteIf)] {
        let (mut browser, mut admin) = (Browser::new(), Browser::new());
        browser.get(&other, "/login-7").await;
        let gate = stage.store.hold(Moment::Before(Operation::IndexKeys));
        let ends = admin.get(&app, "/end-7");
        let changes = async {
            gate.reached().await;
            // The load of the listing is the next one.
            let list = stage.store.hold(Moment::After(Operation::Load));
            gate.open();
            list.reached().await;
            let held = stage.store.hold(moment);
            list.open();
            held.reached().await;
            let answer = browser.get(&other, "/clear/login-8/insert-bobs").await;
            assert_eq!(answer.status, StatusCode::OK);
            held.open();
        };
        join(ends, changes).await;
        let seen = browser.get(&other, "/read").await.body;
        assert_eq!(seen, r#"{"_owner":"8","bobs":true}"#, "{moment:?}");
    }
}

/// `on_gone = "drop"` sends the handler's answer where changes are dropped, and a handler that says
/// "logged out" must not say so of a session that lives.
pub(crate) async fn a_purge_or_a_renewal_that_is_refused_is_never_dropped<S: Store>(
    stage: Stage<S>,
) {
    let config = || SessionConfig::new().on_gone(OnGone::Drop);
    let (host, other) = (stage.host_with(config()), stage.host_with(config()));
    let (app, other) = (host.app().await, other.app().await);
    for (path, status) in [
        ("/wait/purge", StatusCode::CONFLICT),
        ("/wait/renew/insert-x", StatusCode::CONFLICT),
        ("/wait/clear", StatusCode::CONFLICT),
        // The handler is told, and decides.
        ("/wait/insert-x/now", StatusCode::CONFLICT),
        ("/wait/insert-x", StatusCode::OK),
    ] {
        let mut victim = Browser::new();
        victim.get(&other, "/insert-basket").await;
        let planted = victim.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token(path, &planted));
        let answer = meanwhile(&host, slow, async || {
            victim.get(&other, "/login-7").await;
        })
        .await;
        assert_eq!((answer.status, answer.cookie()), (status, None), "{path}");
        let seen = victim.get(&other, "/read").await.body;
        assert_eq!(seen, r#"{"_owner":"7","basket":true}"#, "{path}");
    }
}
