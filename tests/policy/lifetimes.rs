//! How long browsers keep a cookie: no longer than its session can live.

use std::{
    future::ready,
    time::{Duration, SystemTime},
};

use actix_web::{
    App, HttpRequest,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionInterface, SessionMiddleware,
    SessionState, test::TestClock,
};
use sessions_tests::{Answer, AppSessions, Browser, Logged, Mode, key};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An interface whose function wants the cookie to be kept for 60 days.
macro_rules! sixty_days {
    ($name:ident) => {
        #[derive(Clone, SessionInterface)]
        #[session(expiration_time = in_sixty_days)]
        struct $name {
            backend: Mode,
            config: SessionConfig,
        }
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the policy")]
fn in_sixty_days<I>(_: &I, _: &SessionState, now: SystemTime) -> Option<SystemTime> {
    Some(now + 60 * DAY)
}

sixty_days!(Wanting);
sixty_days!(WantingOften);
sixty_days!(WantingMore);

fn modes() -> Vec<Mode> {
    let mut modes = Mode::all(key(1)).to_vec();
    modes.push(Mode::flask(key(1)));
    modes
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<&'static str> {
    match request.path() {
        "/log-in" => session.set_owner("alice")?,
        "/renew" => session.renew()?,
        _ => {}
    }
    session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok("done")
}

/// The seconds for which browsers keep the cookie of a first response.
async fn max_age<I: SessionInterface>(sessions: I) -> Option<u64> {
    let app = App::new().wrap(SessionMiddleware::new(sessions)).default_service(web::to(act));
    let cookie = Browser::new().get(&init_service(app).await, "/").await.cookie();
    cookie.expect("it is saved").attribute("Max-Age").map(|age| age.parse().expect("a number"))
}

#[actix_web::test]
async fn a_cookie_is_kept_no_longer_than_the_lifetime_whatever_a_function_says() {
    for backend in modes() {
        let name = backend.name();
        let wanting = |config| Wanting { backend: backend.clone(), config };
        let new = SessionConfig::new;
        let kept = max_age(wanting(new())).await;
        assert_eq!(kept, Some(31 * DAY.as_secs()), "{name}");
        let kept = max_age(wanting(new().lifetime(DAY))).await;
        assert_eq!(kept, Some(DAY.as_secs()), "{name}");
        let kept = max_age(wanting(new().lifetime(90 * DAY))).await;
        assert_eq!(kept, Some(60 * DAY.as_secs()), "{name}");
        let limited = new().lifetime(90 * DAY).absolute_timeout(2 * DAY);
        assert_eq!(max_age(wanting(limited)).await, Some(2 * DAY.as_secs()), "{name}");
    }
}

#[actix_web::test]
async fn one_warning_tells_that_a_cookie_is_limited() {
    let [backend, ..] = Mode::in_cookie(key(1));
    let logged = Logged::start();
    for _ in 0..3 {
        let (backend, config) = (backend.clone(), SessionConfig::new());
        max_age(WantingOften { backend, config }).await;
    }
    let lines = logged.take_own();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let text = &lines[0].1;
    assert!(text.contains(
        "`expiration_time` keeps the cookie for 60 days, but its session ends after 31 days"
    ));
    assert!(text.contains("WantingOften"), "{text}");
    // Another interface has its own.
    max_age(WantingMore { backend, config: SessionConfig::new() }).await;
    assert_eq!(logged.take_own().len(), 1);
}

#[actix_web::test]
async fn the_cookie_of_a_permanent_session_ends_with_its_absolute_timeout() {
    for backend in modes() {
        let name = backend.name();
        let time = TestClock::new();
        let config = SessionConfig::new().permanent(true).absolute_timeout(10 * DAY);
        let config = config.anonymous_lifetime(10 * DAY);
        let sessions = SessionMiddleware::new(AppSessions { backend, config });
        let app = App::new().wrap(sessions.with_clock(time.clock()));
        let app = init_service(app.default_service(web::to(act))).await;
        let mut browser = Browser::new();
        let logged = Logged::start();
        for (path, days) in [("/", 10), ("/", 7), ("/renew", 4), ("/", 1)] {
            let cookie = browser.get(&app, path).await.cookie().expect("it is refreshed");
            let kept = (days * DAY.as_secs()).to_string();
            assert_eq!(cookie.attribute("Max-Age"), Some(kept.as_str()), "{name} {path}");
            time.advance(3 * DAY);
        }
        // The default comes from the policies, and needs no warning.
        assert!(logged.take_own().iter().all(|(_, text)| !text.contains("expiration_time")));
    }
}

#[actix_web::test]
async fn in_a_store_a_login_starts_the_absolute_timeout_of_the_cookie_too() {
    let time = TestClock::new();
    let store = MemoryStore::with_clock(time.clock());
    let config = SessionConfig::new().permanent(true).absolute_timeout(10 * DAY);
    let config = config.anonymous_lifetime(10 * DAY);
    let sessions = AppSessions { backend: ServerSide::new(store), config };
    let app = App::new().wrap(SessionMiddleware::new(sessions).with_clock(time.clock()));
    let app = init_service(app.default_service(web::to(act))).await;
    let mut browser = Browser::new();
    for (path, days) in [("/", 10), ("/", 7), ("/log-in", 10), ("/", 7)] {
        let cookie = browser.get(&app, path).await.cookie().expect("it is refreshed");
        let kept = (days * DAY.as_secs()).to_string();
        assert_eq!(cookie.attribute("Max-Age"), Some(kept.as_str()), "{path}");
        time.advance(3 * DAY);
    }
}

/// Where a use prolongs a session without its cookie, a cookie kept for the idle time would end it.
#[actix_web::test]
async fn what_starts_again_with_each_use_does_not_shorten_the_cookie() {
    let time = TestClock::new();
    let config = SessionConfig::new()
        .permanent(true)
        .refresh_each_request(false)
        .idle_timeout(DAY)
        .lifetime(14 * DAY);
    let backend = ServerSide::new(MemoryStore::with_clock(time.clock()));
    let sessions = AppSessions { backend, config };
    let write = |session: Session| ready(session.insert("a", 1).map(|()| "kept"));
    let read = |session: Session| ready(session.len().to_string());
    let app = App::new()
        .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
        .route("/", web::get().to(read))
        .route("/", web::post().to(write));
    let app = init_service(app).await;
    let cookie = Answer::of(&app, TestRequest::post()).await.cookie().expect("it begins");
    assert_eq!(cookie.attribute("Max-Age"), Some((14 * DAY.as_secs()).to_string().as_str()));
    let sent = format!("{}={}", cookie.name, cookie.value);
    for _ in 0..13 {
        time.advance(DAY * 9 / 10);
        let request = TestRequest::get().insert_header(("cookie", sent.as_str()));
        let answer = Answer::of(&app, request).await;
        assert_eq!((answer.body.as_str(), answer.cookie()), ("2", None));
    }
}
