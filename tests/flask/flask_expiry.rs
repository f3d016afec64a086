//! Flask's behaviours of time: which cookies expire, which responses refresh them, and how old a
//! signature may be.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{self, HttpDate},
    test::init_service,
    web,
};
use sessions::{Session, SessionConfig, SessionMiddleware, test::TestClock};
use sessions_tests::{Browser, ConfiguredSessions, SetCookie, key};

use crate::signed;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn app(
    config: SessionConfig,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    async fn set(session: Session) -> actix_web::Result<&'static str> {
        session.insert("a", 1)?;
        Ok("set")
    }
    async fn make(session: Session, permanent: web::Path<bool>) -> actix_web::Result<&'static str> {
        session.set_permanent(*permanent)?;
        Ok("made")
    }
    async fn read(session: Session) -> actix_web::Result<String> {
        let value = session.get::<u32>("a")?;
        let (new, permanent) = (session.is_new(), session.permanent());
        Ok(format!("a: {value:?}, new: {new}, permanent: {permanent}"))
    }
    let sessions = SessionMiddleware::new(ConfiguredSessions { config }).with_clock(time.clock());
    init_service(
        App::new()
            .wrap(sessions)
            .route("/set", web::get().to(set))
            .route("/permanent/{permanent}", web::get().to(make))
            .route("/read", web::get().to(read)),
    )
    .await
}

/// Returns a cookie's `Max-Age` and `Expires`.
fn expiry(cookie: &SetCookie) -> (Option<&str>, Option<&str>) {
    (cookie.attribute("Max-Age"), cookie.attribute("Expires"))
}

/// Returns the date that is so far ahead.
fn date_in(time: &TestClock, lifetime: Duration) -> String {
    HttpDate::from(time.now() + lifetime).to_string()
}

const KEPT: &str = "a: Some(1), new: false, permanent: false";
const KEPT_PERMANENT: &str = "a: Some(1), new: false, permanent: true";
const ENDED: &str = "a: None, new: true, permanent: false";

// Expiry.

#[actix_web::test]
async fn a_permanent_session_expires_in_31_days() {
    let time = TestClock::new();
    let app = app(signed().permanent(true), &time).await;
    let mut browser = Browser::new();
    let cookie = browser.get(&app, "/set").await.cookie().expect("set");
    let expires = date_in(&time, 31 * DAY);
    assert_eq!(expiry(&cookie), (Some("2678400"), Some(expires.as_str())));
}

#[actix_web::test]
async fn a_session_that_is_not_permanent_ends_with_the_browser() {
    let time = TestClock::new();
    let app = app(signed(), &time).await;
    let cookie = Browser::new().get(&app, "/set").await.cookie();
    assert_eq!(expiry(&cookie.expect("set")), (None, None));
}

#[actix_web::test]
async fn a_handler_makes_a_session_permanent_and_takes_that_back() {
    let time = TestClock::new();
    let app = app(signed(), &time).await;
    let mut browser = Browser::new();
    browser.get(&app, "/set").await;
    time.advance(DAY);

    let answer = browser.get(&app, "/permanent/true").await;
    let expires = date_in(&time, 31 * DAY);
    let cookie = answer.cookie().expect("modified");
    assert_eq!(expiry(&cookie), (Some("2678400"), Some(expires.as_str())));
    assert_eq!(browser.get(&app, "/read").await.body, KEPT_PERMANENT);

    let answer = browser.get(&app, "/permanent/false").await;
    assert_eq!(expiry(&answer.cookie().expect("modified")), (None, None));
    let answer = browser.get(&app, "/read").await;
    assert_eq!((answer.body.as_str(), answer.cookie()), (KEPT, None));
}

#[actix_web::test]
async fn permanence_survives_requests_and_a_change_of_the_configuration() {
    let time = TestClock::new();
    let permanent = app(signed().permanent(true), &time).await;
    let plain = app(signed(), &time).await;
    let mut browser = Browser::new();
    browser.get(&permanent, "/set").await;
    for app in [&permanent, &permanent] {
        assert_eq!(browser.get(app, "/read").await.body, KEPT_PERMANENT);
    }
    assert_eq!(browser.get(&plain, "/read").await.body, KEPT_PERMANENT);

    let mut browser = Browser::new();
    browser.get(&plain, "/set").await;
    assert_eq!(browser.get(&permanent, "/read").await.body, KEPT);
}

#[actix_web::test]
async fn the_lifetime_can_be_a_number_of_seconds() {
    let vars = [("PERMANENT_SESSION_LIFETIME", "1800"), ("SESSION_PERMANENT", "1")];
    let from_vars = SessionConfig::from_vars(vars).expect("right values");
    let json = serde_json::json!({"lifetime": 1800, "permanent": true});
    let from_json: SessionConfig = serde_json::from_value(json).expect("right values");
    let in_code = SessionConfig::new().lifetime(1800 * SECOND).permanent(true);
    for config in [from_vars, from_json, in_code] {
        let time = TestClock::new();
        let app = app(config.secret_key(key(1)), &time).await;
        let cookie = Browser::new().get(&app, "/set").await.cookie();
        let expires = date_in(&time, 1800 * SECOND);
        assert_eq!(expiry(&cookie.expect("set")), (Some("1800"), Some(expires.as_str())));
    }
}

// Refresh.

#[actix_web::test]
async fn a_request_that_reads_refreshes_permanent_sessions_unless_told_not_to() {
    for (permanent, refresh, refreshed) in
        [(true, true, true), (true, false, false), (false, true, false), (false, false, false)]
    {
        let time = TestClock::new();
        let config = signed().permanent(permanent).refresh_each_request(refresh);
        let app = app(config, &time).await;
        let mut browser = Browser::new();
        let before = browser.get(&app, "/set").await.cookie().expect("set");
        time.advance(DAY);

        let answer = browser.get(&app, "/read").await;
        let after = answer.cookie();
        assert_eq!(after.is_some(), refreshed, "{permanent} {refresh}");
        assert_eq!(answer.all(header::VARY), ["Cookie"]);
        if let Some(after) = after {
            let expires = date_in(&time, 31 * DAY);
            assert_eq!(expiry(&after), (Some("2678400"), Some(expires.as_str())));
            assert_ne!(after.value, before.value, "signed at a later time");
        }

        let change = format!("/permanent/{}", !permanent);
        assert!(browser.get(&app, &change).await.cookie().is_some());
    }
}

#[actix_web::test]
async fn a_refreshed_session_outlives_its_first_cookie() {
    for (refresh, expected) in [(true, KEPT_PERMANENT), (false, ENDED)] {
        let time = TestClock::new();
        // New sessions are not permanent, so that one that has ended shows.
        let app = app(signed().refresh_each_request(refresh), &time).await;
        let mut browser = Browser::new();
        browser.get(&app, "/set").await;
        browser.get(&app, "/permanent/true").await;
        time.advance(20 * DAY);
        assert_eq!(browser.get(&app, "/read").await.body, KEPT_PERMANENT);
        time.advance(20 * DAY);
        assert_eq!(browser.get(&app, "/read").await.body, expected);
    }
}

// The age of signatures.

#[actix_web::test]
async fn a_signature_older_than_the_lifetime_opens_a_new_session_permanent_or_not() {
    for (permanent, kept) in [(true, KEPT_PERMANENT), (false, KEPT)] {
        let time = TestClock::new();
        let config = signed().lifetime(1800 * SECOND).refresh_each_request(false);
        let app = app(config, &time).await;
        let mut browser = Browser::new();
        browser.get(&app, "/set").await;
        browser.get(&app, &format!("/permanent/{permanent}")).await;

        time.advance(1800 * SECOND);
        assert_eq!(browser.get(&app, "/read").await.body, kept);
        time.advance(SECOND);
        let answer = browser.get(&app, "/read").await;
        assert_eq!((answer.body.as_str(), answer.cookie()), (ENDED, None));
    }
}

#[actix_web::test]
async fn without_a_lifetime_a_signature_is_good_for_31_days_permanent_or_not() {
    for (permanent, kept) in [(true, KEPT_PERMANENT), (false, KEPT)] {
        let time = TestClock::new();
        let app = app(signed().refresh_each_request(false), &time).await;
        let mut browser = Browser::new();
        browser.get(&app, "/set").await;
        browser.get(&app, &format!("/permanent/{permanent}")).await;
        time.advance(31 * DAY);
        assert_eq!(browser.get(&app, "/read").await.body, kept);
        time.advance(SECOND);
        assert_eq!(browser.get(&app, "/read").await.body, ENDED);
    }
}

#[actix_web::test]
async fn a_signature_from_the_future_opens_a_new_session_beyond_60_seconds() {
    let time = TestClock::new();
    let app = app(signed(), &time).await;
    let mut browser = Browser::new();
    browser.get(&app, "/set").await;
    time.go_back(60 * SECOND);
    assert_eq!(browser.get(&app, "/read").await.body, KEPT);
    time.go_back(SECOND);
    assert_eq!(browser.get(&app, "/read").await.body, ENDED);
    time.advance(SECOND);
    assert_eq!(browser.get(&app, "/read").await.body, KEPT);
}

#[actix_web::test]
async fn a_new_session_in_place_of_one_that_is_too_old_takes_over_its_cookie() {
    let time = TestClock::new();
    let app = app(signed(), &time).await;
    let mut browser = Browser::new();
    browser.get(&app, "/set").await;
    time.advance(32 * DAY);
    assert_eq!(browser.get(&app, "/read").await.body, ENDED);
    assert!(browser.get(&app, "/set").await.cookie().is_some());
    assert_eq!(browser.get(&app, "/read").await.body, KEPT);
}
