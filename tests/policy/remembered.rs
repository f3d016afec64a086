//! Remembered sessions: from the login for the policy `remembered`, used or not, in every backend.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, body::MessageBody, dev::ServiceResponse, test::init_service, web,
};
use sessions::{
    EncryptedCookie, MemoryStore, ServerSide, Session, SessionConfig, SessionInterface,
    SessionMiddleware, SignedCookie,
    error::{ConfigError, LifetimeError},
    test::TestClock,
};
use sessions_tests::{AppSessions, Browser, Mode, key};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Every backend, each with a store of its own.
pub(super) fn backends() -> Vec<(&'static str, Mode)> {
    let mut backends: Vec<_> =
        Mode::all(key(1)).into_iter().map(|mode| (mode.name(), mode)).collect();
    let signed = SignedCookie::new(key(1)).revocable(MemoryStore::new());
    let encrypted = EncryptedCookie::new(key(1)).revocable(MemoryStore::new());
    backends.push(("signed, revocable", Mode::Signed(signed)));
    backends.push(("encrypted, revocable", Mode::Encrypted(encrypted)));
    backends.push(("Flask", Mode::flask(key(1))));
    backends
}

/// A new one of the backends, whose store follows the first clock that it meets.
pub(super) fn fresh(name: &str) -> Mode {
    backends().into_iter().find(|(other, _)| *other == name).expect("there is one").1
}

/// Strict limits, and 30 days for those who are remembered.
fn strict() -> SessionConfig {
    SessionConfig::new().absolute_timeout(8 * HOUR).idle_timeout(30 * MINUTE).remembered(30 * DAY)
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    match request.path() {
        "/log-in" => session.set_owner("alice")?,
        "/log-in/remembered" => {
            session.set_owner("alice")?;
            session.set_remembered(true)?;
        }
        "/remembered/log-in" => {
            session.set_remembered(true)?;
            session.set_owner("alice")?;
        }
        "/log-in/bob" => {
            session.set_remembered(true)?;
            session.set_owner("bob")?;
        }
        "/remember" => session.set_remembered(true)?,
        "/forget" => session.set_remembered(false)?,
        "/renew" => session.renew()?,
        "/log-out" => drop(session.purge()?),
        "/write" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
        "/rolled-back" => {
            session.set_remembered(true)?;
            session.rollback()?;
        }
        _ => {}
    }
    let owner = session.owner().unwrap_or_else(|| "nobody".to_owned());
    Ok(if session.remembered() { format!("{owner}, remembered") } else { owner })
}

async fn app(
    backend: Mode,
    config: SessionConfig,
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = AppSessions { backend, config };
    let sessions = SessionMiddleware::new(sessions).with_clock(time.clock());
    init_service(App::new().wrap(sessions).default_service(web::to(act))).await
}

#[actix_web::test]
async fn a_remembered_session_lasts_from_its_login_to_the_second_used_or_not() {
    for (name, _) in backends() {
        for used in [false, true] {
            let time = TestClock::new();
            let app = app(fresh(name), strict(), time.clone()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/log-in/remembered").await;
            let mut left = (30 * DAY).saturating_sub(SECOND);
            if used {
                for path in ["/read", "/write", "/renew", "/read"] {
                    time.advance(7 * DAY);
                    left -= 7 * DAY;
                    let body = browser.get(&app, path).await.body;
                    assert_eq!(body, "alice, remembered", "{name} {path}");
                }
            }
            time.advance(left);
            let body = browser.get(&app, "/read").await.body;
            assert_eq!(body, "alice, remembered", "{name}, used: {used}");
            time.advance(SECOND);
            assert_eq!(browser.get(&app, "/read").await.body, "nobody", "{name}, used: {used}");
        }
    }
}

#[actix_web::test]
async fn any_other_session_has_the_strict_limits_to_the_second() {
    for (name, _) in backends() {
        let ends = async |pauses: &[Duration]| {
            let time = TestClock::new();
            let app = app(fresh(name), strict(), time.clone()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/log-in").await;
            let mut last = String::new();
            for pause in pauses {
                time.advance(*pause);
                last = browser.get(&app, "/read").await.body;
            }
            last == "nobody"
        };
        assert!(!ends(&[(30 * MINUTE).saturating_sub(SECOND)]).await, "{name}");
        assert!(ends(&[30 * MINUTE]).await, "{name}");
        let mut day = vec![20 * MINUTE; 23];
        day.push((20 * MINUTE).saturating_sub(SECOND));
        assert!(!ends(&day).await, "{name}");
        day.push(SECOND);
        assert!(ends(&day).await, "{name}");
    }
}

#[actix_web::test]
async fn a_browser_keeps_the_cookie_until_the_remembered_session_ends() {
    for (name, backend) in backends() {
        let time = TestClock::new();
        let app = app(backend.clone(), strict(), time.clone()).await;
        let mut browser = Browser::new();
        let kept = async |browser: &mut Browser, path| {
            let cookie = browser.get(&app, path).await.cookie()?;
            Some(cookie.attribute("Max-Age").map(|age| age.parse::<u64>().expect("a number")))
        };
        let logged_in = kept(&mut browser, "/log-in/remembered").await;
        assert_eq!(logged_in, Some(Some(30 * DAY.as_secs())), "{name}");
        time.advance(10 * DAY);
        assert_eq!(kept(&mut browser, "/read").await, None, "{name}: a read costs nothing more");
        let renewed = kept(&mut browser, "/renew").await;
        assert_eq!(renewed, Some(Some(20 * DAY.as_secs())), "{name}");
        // The browser then forgets it when it is closed.
        assert_eq!(kept(&mut browser, "/forget").await, Some(None), "{name}");
    }
}

#[actix_web::test]
async fn a_login_decides_anew_whatever_the_order_of_the_calls() {
    for (name, backend) in backends() {
        let time = TestClock::new();
        let app = app(backend.clone(), strict(), time.clone()).await;
        let mut browser = Browser::new();
        for (path, body) in [
            ("/remembered/log-in", "alice, remembered"),
            ("/log-in", "alice"),
            ("/log-in/remembered", "alice, remembered"),
            ("/remembered/log-in", "alice, remembered"),
            ("/log-in/bob", "bob, remembered"),
            ("/log-in", "alice"),
            ("/rolled-back", "alice"),
            ("/remember", "alice, remembered"),
            ("/renew", "alice, remembered"),
            ("/forget", "alice"),
        ] {
            assert_eq!(browser.get(&app, path).await.body, body, "{name} {path}");
            assert_eq!(browser.get(&app, "/read").await.body, body, "{name} {path}, read");
        }
        // Another login counts from its own moment.
        browser.get(&app, "/log-in/remembered").await;
        time.advance(29 * DAY);
        browser.get(&app, "/log-in/remembered").await;
        time.advance(29 * DAY);
        assert_eq!(browser.get(&app, "/read").await.body, "alice, remembered", "{name}");
    }
}

#[actix_web::test]
async fn remembering_later_counts_from_the_login() {
    for (name, backend) in backends() {
        let time = TestClock::new();
        let app = app(backend.clone(), strict(), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/log-in").await;
        time.advance(20 * MINUTE);
        browser.get(&app, "/remember").await;
        time.advance((30 * DAY).saturating_sub(20 * MINUTE + SECOND));
        assert_eq!(browser.get(&app, "/read").await.body, "alice, remembered", "{name}");
        time.advance(SECOND);
        assert_eq!(browser.get(&app, "/read").await.body, "nobody", "{name}");
    }
}

#[actix_web::test]
async fn another_value_of_the_policy_reaches_sessions_that_exist() {
    for (name, backend) in backends() {
        let time = TestClock::new();
        let long = app(backend.clone(), strict(), time.clone()).await;
        let short = app(backend.clone(), strict().remembered(7 * DAY), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&long, "/log-in/remembered").await;
        time.advance((7 * DAY).saturating_sub(SECOND));
        assert_eq!(browser.get(&short, "/read").await.body, "alice, remembered", "{name}");
        time.advance(SECOND);
        assert_eq!(browser.get(&long, "/read").await.body, "alice, remembered", "{name}");
        assert_eq!(browser.get(&short, "/read").await.body, "nobody", "{name}");
    }
}

/// The cookie of another path or domain stays in the browser, and its session has the longer limit.
#[actix_web::test]
async fn a_cookie_that_has_expired_or_ended_opens_no_older_remembered_session() {
    for (name, backend) in backends().into_iter().filter(|(name, _)| !name.ends_with("id")) {
        for last in ["/write", "/log-out"] {
            let time = TestClock::new();
            let app = app(backend.clone(), strict(), time.clone()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/log-in/remembered").await;
            let older = browser.cookie("session").expect("it is set").to_owned();
            time.advance(MINUTE);
            browser.get(&app, "/log-in").await;
            let newer = browser.cookie("session").expect("it is set").to_owned();
            time.advance(MINUTE);
            let both = format!("session={older}; session={newer}");
            let request = actix_web::test::TestRequest::get().uri(last);
            let answer =
                sessions_tests::Answer::of(&app, request.insert_header(("cookie", both))).await;
            let set = answer.cookie().expect("it is set");
            let kept = set.attribute("Max-Age").map(|age| age.parse::<u64>().expect("a number"));
            assert!(kept >= Some(30 * DAY.as_secs()), "{name} {last}: kept for {kept:?}");
            time.advance(DAY);
            let both = format!("session={older}; session={}", set.value);
            let request = actix_web::test::TestRequest::get().uri("/read");
            let answer =
                sessions_tests::Answer::of(&app, request.insert_header(("cookie", both))).await;
            assert_eq!(answer.body, "nobody", "{name} {last}");
        }
    }
}

#[actix_web::test]
async fn without_the_policy_it_is_30_days_or_a_longer_absolute_timeout() {
    let new = SessionConfig::new;
    for (config, days) in [
        (new(), 30),
        (new().absolute_timeout(8 * HOUR), 30),
        (new().absolute_timeout(90 * DAY), 90),
        (new().absolute_timeout(1_000 * DAY), 400),
    ] {
        let sessions = AppSessions { backend: SignedCookie::new(key(1)), config };
        assert_eq!(sessions.policies().remembered(), days * DAY);
        assert_eq!(sessions.check(), Ok(()));
    }
}

#[actix_web::test]
async fn remembered_sessions_do_not_end_before_others() {
    let config = SessionConfig::new().absolute_timeout(8 * HOUR).remembered(7 * HOUR);
    let sessions = AppSessions { backend: SignedCookie::new(key(1)), config };
    let expected =
        LifetimeError::RememberedBelowAbsolute { remembered: 7 * HOUR, absolute: 8 * HOUR };
    assert_eq!(sessions.check(), Err(ConfigError::Lifetime(expected)));
}

#[actix_web::test]
async fn the_list_of_an_owner_has_remembered_sessions_until_they_end() {
    let time = TestClock::new();
    let backend = ServerSide::new(MemoryStore::with_clock(time.clock()));
    let app = app(Mode::Id(backend.clone()), strict(), time.clone()).await;
    let [mut phone, mut laptop] = [Browser::new(), Browser::new()];
    phone.get(&app, "/log-in/remembered").await;
    laptop.get(&app, "/log-in").await;
    let listed = async || backend.sessions_of("alice").await.expect("the store is there").len();
    assert_eq!(listed().await, 2);
    time.advance(10 * HOUR);
    assert_eq!(listed().await, 1, "the laptop's has ended");
    time.advance(29 * DAY);
    assert_eq!(listed().await, 1);
    // A use keeps its record for longer, but not the session.
    phone.get(&app, "/read").await;
    time.advance(DAY);
    assert_eq!(listed().await, 0);
}

/// A visitor's session takes room in a store.
#[actix_web::test]
async fn a_store_forgets_a_visitor_who_is_remembered() {
    let time = TestClock::new();
    let backend = Mode::Id(ServerSide::new(MemoryStore::with_clock(time.clock())));
    let app = app(backend.clone(), strict().anonymous_lifetime(HOUR), time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/remember").await;
    time.advance(HOUR.saturating_sub(SECOND));
    assert_eq!(browser.get(&app, "/read").await.body, "nobody, remembered");
    time.advance(HOUR);
    assert_eq!(browser.get(&app, "/read").await.body, "nobody");
}
