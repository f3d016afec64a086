//! What visitors may take: their sessions are kept for a shorter time.

use std::time::Duration;

use actix_web::http::StatusCode;
use sessions::{SessionConfig, store::Store};
use sessions_tests::{Browser, stage::Stage};

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(crate) async fn a_visitor_s_session_is_kept_for_a_day_after_its_last_use<S: Store>(
    stage: Stage<S>,
) {
    let host = stage.host();
    let app = host.app().await;
    let mut visitor = Browser::new();
    visitor.get(&app, "/count").await;
    for path in ["/read", "/count", "/read"] {
        stage.time.advance(23 * HOUR);
        assert_eq!(visitor.get(&app, path).await.status, StatusCode::OK);
        assert_ne!(visitor.get(&app, "/read").await.body, "{}", "{path}");
    }
    stage.time.advance(24 * HOUR);
    assert_eq!(visitor.get(&app, "/read").await.body, "{}");
}

/// Those that no visitor can make without the application's help have their whole lifetime.
pub(crate) async fn sessions_that_were_renewed_or_have_an_owner_are_kept_for_their_lifetime<
    S: Store,
>(
    stage: Stage<S>,
) {
    let week = 168 * HOUR;
    let host = stage.host_with(SessionConfig::new().lifetime(week));
    let app = host.app().await;
    let paths: [&[&str]; 5] = [
        &["/login-7"],
        &["/count", "/login-7"],
        &["/renew/insert-user"],
        &["/count", "/renew/insert-user"],
        &["/login-7", "/clear/insert-cart"],
    ];
    for path in paths {
        let mut browser = Browser::new();
        for path in path {
            browser.get(&app, path).await;
        }
        stage.time.advance(167 * HOUR);
        assert_ne!(browser.get(&app, "/read").await.body, "{}", "{path:?}");
        stage.time.advance(week);
        assert_eq!(browser.get(&app, "/read").await.body, "{}", "{path:?}");
    }
}

pub(crate) async fn the_time_of_visitors_is_a_policy_and_never_above_the_others<S: Store>(
    stage: Stage<S>,
) {
    let config = SessionConfig::new().anonymous_lifetime(HOUR).lifetime(2 * HOUR);
    let host = stage.host_with(config);
    let app = host.app().await;
    let mut visitor = Browser::new();
    visitor.get(&app, "/count").await;
    stage.time.advance(HOUR);
    assert_eq!(visitor.get(&app, "/read").await.body, "{}");

    let short = SessionConfig::new().idle_timeout(HOUR / 60).anonymous_lifetime(HOUR);
    let host = stage.host_with(short);
    let app = host.app().await;
    let mut visitor = Browser::new();
    visitor.get(&app, "/count").await;
    stage.time.advance(HOUR / 60);
    assert_eq!(visitor.get(&app, "/read").await.body, "{}");

    // Also below the touch interval of a minute: uses are noted often enough.
    let brief = SessionConfig::new().anonymous_lifetime(Duration::from_secs(20));
    let host = stage.host_with(brief);
    let app = host.app().await;
    let mut visitor = Browser::new();
    visitor.get(&app, "/count").await;
    for _ in 0..10 {
        stage.time.advance(Duration::from_secs(10));
        assert_eq!(visitor.get(&app, "/read").await.body, r#"{"n":1}"#);
    }
}
