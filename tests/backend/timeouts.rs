//! The limits of a session's life that are enforced on the server: unused for too long, and too
//! long at all. The same whether the cookie is signed or encrypted.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse, body::MessageBody, dev::ServiceResponse, test::init_service, web,
};
use sessions::{Session, SessionConfig, SessionError, SessionMiddleware, test::TestClock};
use sessions_tests::{Answer, AppSessions, Browser, Mode, key};

// In seconds.
const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// What it does to the session is the path: `start`, `count`, `renew`, `leave`, `read`, `static`.
async fn app(
    backend: Mode,
    config: SessionConfig,
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = AppSessions { backend, config };
    let act = async |session: Session, act: web::Path<String>| {
        let next = |n: Option<u32>| n.unwrap_or(0) + 1;
        match act.as_str() {
            "start" => drop(session.update("n", next)?),
            "count" if !session.is_new() => drop(session.update("n", next)?),
            "renew" => session.renew()?,
            "leave" => {
                session.purge()?;
                session.insert("n", 0)?;
            }
            _ => {}
        }
        let n: Option<u32> = session.get("n")?;
        Ok::<_, SessionError>(n.map_or_else(|| "ended".to_owned(), |n| n.to_string()))
    };
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
            .route("/static", web::get().to(HttpResponse::Ok))
            .route("/{act}", web::get().to(act)),
    )
    .await
}

fn idle() -> SessionConfig {
    SessionConfig::new()
        .idle_timeout(Duration::from_secs(10 * MINUTE))
        .touch_interval(Duration::from_secs(MINUTE))
}

fn absolute() -> SessionConfig {
    SessionConfig::new().absolute_timeout(Duration::from_secs(HOUR))
}

/// Whether the answer refreshed the cookie of a session that is still there.
fn refreshed(answer: &Answer) -> bool {
    assert_ne!(answer.body, "ended");
    answer.cookie().is_some_and(|cookie| !cookie.is_removal())
}

// Unused.

#[actix_web::test]
async fn a_session_ends_when_it_is_unused_for_the_idle_timeout() {
    for mode in Mode::in_cookie(key(1)) {
        for (unused, lives) in
            [(10 * MINUTE - SECOND, true), (10 * MINUTE, false), (10 * MINUTE + SECOND, false)]
        {
            let time = TestClock::new();
            let app = app(mode.clone(), idle(), time.clone()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/start").await;
            time.advance(Duration::from_secs(unused));
            let expected = if lives { "1" } else { "ended" };
            assert_eq!(browser.get(&app, "/read").await.body, expected, "{unused}");
        }
    }
}

#[actix_web::test]
async fn a_use_is_noted_once_the_touch_interval_has_passed_though_nothing_changed() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app = app(mode.clone(), idle(), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        time.advance(Duration::from_secs(MINUTE - SECOND));
        assert!(!refreshed(&browser.get(&app, "/read").await));
        time.advance(Duration::from_secs(SECOND));
        let answer = browser.get(&app, "/read").await;
        assert!(refreshed(&answer));
        assert_eq!(answer.all("vary"), ["Cookie"]);
        assert_eq!(answer.all("cache-control"), ["private, no-cache=\"Set-Cookie\""]);
        // The minute counts from the use that was noted.
        time.advance(Duration::from_secs(MINUTE - SECOND));
        assert!(!refreshed(&browser.get(&app, "/read").await));
    }
}

#[actix_web::test]
async fn a_session_in_use_outlives_any_number_of_idle_timeouts() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app = app(mode.clone(), idle(), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        for _ in 0..100 {
            time.advance(Duration::from_secs(10 * MINUTE - SECOND));
            assert!(refreshed(&browser.get(&app, "/read").await));
        }
        time.advance(Duration::from_secs(10 * MINUTE));
        assert_eq!(browser.get(&app, "/read").await.body, "ended");
    }
}

#[actix_web::test]
async fn a_request_that_does_not_use_the_session_does_not_prolong_it() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app = app(mode.clone(), idle(), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        for _ in 0..5 {
            time.advance(Duration::from_secs(2 * MINUTE));
            assert_eq!(browser.get(&app, "/static").await.cookie(), None);
        }
        time.advance(Duration::from_secs(SECOND));
        assert_eq!(browser.get(&app, "/read").await.body, "ended");
    }
}

#[actix_web::test]
async fn an_idle_timeout_below_two_minutes_has_a_touch_interval_of_half_of_it() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app = app(
            mode.clone(),
            SessionConfig::new().idle_timeout(Duration::from_secs(MINUTE)),
            time.clone(),
        )
        .await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        time.advance(Duration::from_secs(MINUTE / 2 - SECOND));
        assert!(!refreshed(&browser.get(&app, "/read").await));
        time.advance(Duration::from_secs(SECOND));
        assert!(refreshed(&browser.get(&app, "/read").await));
    }
}

#[actix_web::test]
async fn without_an_idle_timeout_no_use_is_noted() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app = app(mode.clone(), SessionConfig::new(), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        time.advance(Duration::from_secs(24 * HOUR));
        assert!(!refreshed(&browser.get(&app, "/read").await));
    }
}

// At all.

#[actix_web::test]
async fn a_session_ends_at_its_absolute_timeout_whatever_is_done_with_it() {
    for mode in Mode::in_cookie(key(1)) {
        for act in ["/read", "/count", "/renew", "/static"] {
            for (last, lives) in [(HOUR - SECOND, true), (HOUR, false), (HOUR + SECOND, false)] {
                let time = TestClock::new();
                let app = app(mode.clone(), absolute(), time.clone()).await;
                let mut browser = Browser::new();
                browser.get(&app, "/start").await;
                for _ in 0..5 {
                    time.advance(Duration::from_secs(10 * MINUTE));
                    assert_ne!(browser.get(&app, act).await.body, "ended", "{act}");
                }
                time.advance(Duration::from_secs(last - 50 * MINUTE));
                let answer = browser.get(&app, "/read").await;
                assert_eq!(answer.body != "ended", lives, "{act} {last}");
            }
        }
    }
}

#[actix_web::test]
async fn idle_and_absolute_timeouts_hold_together() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app =
            app(mode.clone(), idle().absolute_timeout(Duration::from_secs(HOUR)), time.clone())
                .await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        for _ in 0..11 {
            time.advance(Duration::from_secs(5 * MINUTE));
            assert!(refreshed(&browser.get(&app, "/read").await));
        }
        time.advance(Duration::from_secs(5 * MINUTE - SECOND));
        assert!(refreshed(&browser.get(&app, "/read").await));
        time.advance(Duration::from_secs(SECOND));
        assert_eq!(browser.get(&app, "/read").await.body, "ended");
    }
}

#[actix_web::test]
async fn a_session_begun_after_the_end_or_after_a_purge_has_the_whole_time() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app = app(mode.clone(), absolute(), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        time.advance(Duration::from_secs(HOUR));
        assert_eq!(browser.get(&app, "/start").await.body, "1");
        time.advance(Duration::from_secs(HOUR - SECOND));
        assert_eq!(browser.get(&app, "/leave").await.body, "0");
        time.advance(Duration::from_secs(HOUR - SECOND));
        assert_eq!(browser.get(&app, "/read").await.body, "0");
        time.advance(Duration::from_secs(SECOND));
        assert_eq!(browser.get(&app, "/read").await.body, "ended");
    }
}

#[actix_web::test]
async fn an_absolute_timeout_set_later_counts_from_the_signature_of_older_sessions() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let before = app(mode.clone(), SessionConfig::new(), time.clone()).await;
        let after = app(mode.clone(), absolute(), time.clone()).await;
        for act in ["/read", "/count", "/renew"] {
            let mut browser = Browser::new();
            browser.get(&before, "/start").await;
            for pause in [HOUR / 2, HOUR / 2 - SECOND] {
                time.advance(Duration::from_secs(pause));
                assert_ne!(browser.get(&after, act).await.body, "ended", "{act}");
            }
            time.advance(Duration::from_secs(SECOND));
            assert_eq!(browser.get(&after, "/read").await.body, "ended", "{act}");
        }
    }
}

#[actix_web::test]
async fn a_clock_that_is_set_back_beyond_the_beginning_ends_the_session() {
    for mode in Mode::in_cookie(key(1)) {
        let time = TestClock::new();
        let app = app(mode.clone(), absolute(), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/start").await;
        time.go_back(Duration::from_secs(MINUTE));
        assert_eq!(browser.get(&app, "/read").await.body, "1");
        time.go_back(Duration::from_secs(SECOND));
        assert_eq!(browser.get(&app, "/read").await.body, "ended");
    }
}
