//! Bearer requests beside logins, renewals, rotations and endings.

use sessions::store::Store;
use sessions_tests::stage::Stage;

use crate::host::{Host, ask, assert_invalid_token, token_of};

pub(crate) async fn a_request_from_before_a_login_or_a_renewal_writes_nothing_after_it<S: Store>(
    stage: Stage<S>,
) {
    let (host, other) = (Host::new(&stage), Host::new(&stage));
    let (app, other) = (host.app().await, other.app().await);
    for login in ["/login-7/token", "/renew/token"] {
        for slow in [
            "/wait/insert-late",
            "/wait/insert-late/now",
            "/wait/clear",
            "/wait/insert-late/token",
            "/wait/purge",
        ] {
            // To log out what was renewed since is carried out.
            if login == "/renew/token" && slow == "/wait/purge" {
                continue;
            }
            let token = token_of(&app, "/insert-basket/token").await;
            let mut next = String::new();
            let answer = host
                .meanwhile(ask(&app, slow, &token), async || {
                    next = ask(&other, login, &token).await.body;
                })
                .await;
            assert_eq!((answer.status.as_u16(), answer.cookie()), (409, None), "{login} {slow}");
            let left = ask(&app, "/read", &next).await.body;
            assert!(left.contains("basket") && !left.contains("late"), "{login} {slow}: {left}");
        }
    }
}

pub(crate) async fn of_two_logins_at_once_each_client_has_a_session_of_its_own<S: Store>(
    stage: Stage<S>,
) {
    let (host, other) = (Host::new(&stage), Host::new(&stage));
    let (app, other) = (host.app().await, other.app().await);
    let token = token_of(&app, "/insert-basket/token").await;
    let mut first = String::new();
    let second = host
        .meanwhile(ask(&app, "/wait/login-8/token", &token), async || {
            first = ask(&other, "/login-7/token", &token).await.body;
        })
        .await;
    assert_eq!(second.status, 200);
    assert_eq!(ask(&app, "/read", &first).await.body, r#"{"_owner":"7","basket":true}"#);
    assert_eq!(ask(&app, "/read", &second.body).await.body, r#"{"_owner":"8"}"#);
    assert_eq!(ask(&app, "/read", &token).await.body, "{}");
}

pub(crate) async fn of_two_rotations_at_once_one_has_the_token<S: Store>(stage: Stage<S>) {
    let (host, other) = (Host::new(&stage), Host::new(&stage));
    let (app, other) = (host.app().await, other.app().await);
    let token = token_of(&app, "/login-7/token").await;
    let mut first = String::new();
    let second = host
        .meanwhile(ask(&app, "/wait/token", &token), async || {
            first = ask(&other, "/token", &token).await.body;
        })
        .await;
    assert_eq!((second.status.as_u16(), second.body.as_str()), (409, ""));
    assert_eq!(ask(&app, "/owner", &first).await.body, "7");
}

pub(crate) async fn a_request_under_way_is_lost_with_its_session<S: Store>(stage: Stage<S>) {
    let (host, other) = (Host::new(&stage), Host::new(&stage));
    let (app, other) = (host.app().await, other.app().await);
    for end in ["/all-7", "/purge"] {
        for slow in
            ["/wait/insert-late", "/wait/insert-late/token", "/wait/renew/token", "/wait/token"]
        {
            let token = token_of(&app, "/login-7/token").await;
            let answer = host
                .meanwhile(ask(&app, slow, &token), async || {
                    assert_eq!(ask(&other, end, &token).await.status, 200);
                })
                .await;
            assert_eq!((answer.status.as_u16(), answer.cookie()), (409, None), "{end} {slow}");
            assert_invalid_token(&ask(&app, "/insert-x", &token).await, end);
            assert_eq!(ask(&app, "/devices-7", &token).await.body, "0 0", "{end} {slow}");
        }
    }
}

pub(crate) async fn requests_at_once_keep_each_other_s_changes<S: Store>(stage: Stage<S>) {
    let (host, other) = (Host::new(&stage), Host::new(&stage));
    let (app, other) = (host.app().await, other.app().await);
    let token = token_of(&app, "/count/token").await;
    let mut next = String::new();
    let slow = host
        .meanwhile(ask(&app, "/wait/count/insert-slow", &token), async || {
            next = ask(&other, "/count/rotate/token", &token).await.body;
        })
        .await;
    assert_eq!(slow.status, 200);
    assert_eq!(ask(&app, "/read", &next).await.body, r#"{"n":3,"slow":true}"#);
}
