//! Sessions with bearer tokens among the other sessions of their owners, and their time.

use std::time::Duration;

use actix_web::test::TestRequest;
use sessions::{SessionConfig, store::Store};
use sessions_tests::{Answer, stage::Stage};

use crate::host::{Host, ask, assert_invalid_token, cookie_of, token_of, with_cookie};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) async fn sessions_of_both_transports_are_listed_and_ended_together<S: Store>(
    stage: Stage<S>,
) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let page = async |path: &str, cookie: &str| {
        Answer::of(&app, with_cookie(TestRequest::get().uri(path), cookie)).await.body
    };
    let cookie = cookie_of(&app, "/login-7").await;
    let phone = token_of(&app, "/login-7/token").await;
    let script = token_of(&app, "/login-7/token").await;
    assert_eq!(ask(&app, "/devices-7", &phone).await.body, "3 1");
    assert_eq!(page("/devices-7", &cookie).await, "3 1");

    assert_eq!(ask(&app, "/others", &phone).await.body, "2");
    assert_eq!(page("/owner", &cookie).await, "");
    assert_eq!(ask(&app, "/owner", &script).await.body, "");
    assert_eq!(ask(&app, "/owner", &phone).await.body, "7");

    let cookie = cookie_of(&app, "/login-7").await;
    page("/end-7", &cookie).await;
    assert_eq!(ask(&app, "/owner", &phone).await.body, "");
    assert_eq!(page("/owner", &cookie).await, "7");

    let phone = token_of(&app, "/login-7/token").await;
    assert_eq!(page("/all-7", &cookie).await, "2");
    assert_invalid_token(&ask(&app, "/count", &phone).await, "after the end of all");
    assert_eq!(page("/owner", &cookie).await, "");
}

pub(crate) async fn limits_of_time_count_for_bearer_tokens<S: Store>(stage: Stage<S>) {
    let config = SessionConfig::new().idle_timeout(30 * MINUTE).absolute_timeout(DAY);
    let host = Host::with(&stage, config, |backend| backend);
    let app = host.app().await;
    let idle = token_of(&app, "/login-7/token").await;
    let used = token_of(&app, "/login-7/token").await;
    let remembered = token_of(&app, "/login-7/remember/token").await;
    for _ in 0..47 {
        stage.time.advance(Duration::from_secs(30 * 60 - 1));
        // A read is a use.
        assert_eq!(ask(&app, "/owner", &used).await.body, "7");
    }
    assert_eq!(ask(&app, "/owner", &idle).await.body, "");
    stage.time.advance(29 * MINUTE);
    assert_eq!(ask(&app, "/owner", &used).await.body, "7");
    stage.time.advance(3 * MINUTE);
    assert_invalid_token(&ask(&app, "/count", &used).await, "after a day");
    stage.time.advance(28 * DAY);
    assert_eq!(ask(&app, "/owner", &remembered).await.body, "7");
    stage.time.advance(DAY);
    assert_eq!(ask(&app, "/owner", &remembered).await.body, "");
}

pub(crate) async fn a_request_costs_the_store_so_many_calls<S: Store>(stage: Stage<S>) {
    let config = SessionConfig::new().permanent(true);
    let host = Host::with(&stage, config, |backend| backend);
    let app = host.app().await;
    let token = token_of(&app, "/insert-a/token").await;
    for (path, calls) in [
        ("/plain", 0),
        ("/read", 1),
        ("/count", 2),
        ("/count/now", 2),
        ("/rotate", 1),
        ("/rotate/count", 2),
        ("/transport", 1),
        ("/token", 2),
    ] {
        let before = stage.store.calls();
        assert_eq!(ask(&app, path, &token).await.status, 200, "{path}");
        assert_eq!(stage.store.calls() - before, calls, "{path}");
    }
    let before = stage.store.calls();
    ask(&app, "/read", "ses_x").await;
    ask(&app, "/count", "ses_x").await;
    assert_eq!(stage.store.calls(), before, "what is no token reaches no store");
}
