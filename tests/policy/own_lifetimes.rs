//! Timeouts of one session, below those of the policies, in every backend; and policies that are shortened.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, body::MessageBody, dev::ServiceResponse, test::init_service, web,
};
use futures_util::future::join;
use sessions::{
    Lifetimes, MemoryStore, ServerSide, Session, SessionConfig, SessionError, SessionMiddleware,
    backend::Backend,
    error::LifetimeError,
    test::{FaultStore, Moment, Operation, TestClock},
};
use sessions_tests::{AppSessions, Browser, Logged, Mode, key};

use super::remembered::{backends, fresh};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const KIOSK: Lifetimes = Lifetimes::new()
    .idle_timeout(Duration::from_secs(2 * 60))
    .absolute_timeout(Duration::from_secs(20 * 60));

fn office() -> SessionConfig {
    SessionConfig::new().absolute_timeout(8 * HOUR).idle_timeout(30 * MINUTE).remembered(30 * DAY)
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        match word {
            "login" => session.set_owner("alice")?,
            "kiosk" => session.set_lifetimes(KIOSK)?,
            "longer" => session
                .set_lifetimes(Lifetimes::new().idle_timeout(DAY).absolute_timeout(2 * DAY))?,
            "policies" => session.set_lifetimes(Lifetimes::new())?,
            "remember" => session.set_remembered(true)?,
            "permanent" => session.set_permanent(true)?,
            "write" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "renew" => session.renew()?,
            "rollback" => session.rollback()?,
            _ => {}
        }
    }
    let is_kiosk = session.lifetimes() == KIOSK;
    let owner = session.owner().unwrap_or_else(|| "nobody".to_owned());
    Ok(if is_kiosk { format!("{owner} at a kiosk") } else { owner })
}

async fn app(
    backend: impl Backend + Clone,
    config: SessionConfig,
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = SessionMiddleware::new(AppSessions { backend, config });
    let app = App::new().wrap(sessions.with_clock(time.clock()));
    init_service(app.default_service(web::to(act))).await
}

/// Whether a session that begins so has ended after these pauses, with a use after each.
async fn ends(name: &str, begin: &str, pauses: &[Duration]) -> bool {
    let time = TestClock::new();
    let app = app(fresh(name), office(), time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, begin).await;
    let mut last = String::new();
    for pause in pauses {
        time.advance(*pause);
        last = browser.get(&app, "/read").await.body;
    }
    last == "nobody"
}

/// Checks that a session which begins so ends when it is unused for `idle`, and after `absolute` in any
/// case: to the second.
async fn assert_limits(name: &str, begin: &str, idle: Duration, absolute: Duration) {
    let before = |limit: Duration| limit.saturating_sub(SECOND);
    assert!(!ends(name, begin, &[before(idle)]).await, "{name} {begin}: idle");
    assert!(ends(name, begin, &[idle]).await, "{name} {begin}: idle");
    let step = idle.mul_f64(0.75);
    let steps = (absolute.as_secs() - 1) / step.as_secs();
    let steps = u32::try_from(steps).expect("few");
    let mut uses = vec![step; steps as usize];
    uses.push(before(absolute.saturating_sub(step * steps)));
    assert!(!ends(name, begin, &uses).await, "{name} {begin}: absolute");
    uses.push(SECOND);
    assert!(ends(name, begin, &uses).await, "{name} {begin}: absolute");
}

#[actix_web::test]
async fn a_session_with_timeouts_of_its_own_ends_by_them_to_the_second() {
    for (name, _) in backends() {
        assert_limits(name, "/login/kiosk", 2 * MINUTE, 20 * MINUTE).await;
        assert_limits(name, "/login", 30 * MINUTE, 8 * HOUR).await;
    }
}

#[actix_web::test]
async fn no_timeouts_of_its_own_prolong_a_session() {
    for (name, _) in backends() {
        assert_limits(name, "/login/longer", 30 * MINUTE, 8 * HOUR).await;
    }
}

#[actix_web::test]
async fn they_shorten_a_remembered_session_too() {
    for (name, _) in backends() {
        assert_limits(name, "/login/remember/kiosk", 2 * MINUTE, 20 * MINUTE).await;
        assert_limits(name, "/login/remember/longer", DAY, 2 * DAY).await;
    }
}

/// Where no policy prolongs a session by its use, its own idle timeout does.
#[actix_web::test]
async fn uses_count_where_the_policies_have_no_timeouts() {
    for (name, _) in backends() {
        let time = TestClock::new();
        let config = SessionConfig::new().refresh_each_request(false);
        let app = app(fresh(name), config, time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/login/kiosk").await;
        for _ in 0..9 {
            time.advance((2 * MINUTE).saturating_sub(SECOND));
            assert_eq!(browser.get(&app, "/read").await.body, "alice at a kiosk", "{name}");
        }
        time.advance(2 * MINUTE);
        assert_eq!(browser.get(&app, "/read").await.body, "nobody", "{name}");
    }
}

#[actix_web::test]
async fn a_login_decides_anew_whatever_the_order_of_the_calls() {
    for (name, backend) in backends() {
        let app = app(backend, office(), TestClock::new()).await;
        let mut browser = Browser::new();
        for (path, body) in [
            ("/kiosk/login", "alice at a kiosk"),
            ("/write", "alice at a kiosk"),
            ("/renew", "alice at a kiosk"),
            ("/login", "alice"),
            ("/login/kiosk", "alice at a kiosk"),
            // Another choice of the same request takes none of an earlier one along.
            ("/remember/login", "alice"),
            ("/kiosk/rollback", "alice"),
            ("/kiosk", "alice at a kiosk"),
            ("/policies", "alice"),
        ] {
            assert_eq!(browser.get(&app, path).await.body, body, "{name} {path}");
            assert_eq!(browser.get(&app, "/read").await.body, body, "{name} {path}, read");
        }
    }
}

#[actix_web::test]
async fn a_browser_keeps_the_cookie_no_longer_than_the_session() {
    let logged = Logged::start();
    for (name, backend) in backends() {
        let app = app(backend, office(), TestClock::new()).await;
        let mut browser = Browser::new();
        let kept = async |browser: &mut Browser, path| {
            let cookie = browser.get(&app, path).await.cookie().expect("it is set");
            cookie.attribute("Max-Age").and_then(|age| age.parse().ok()).map(Duration::from_secs)
        };
        assert_eq!(kept(&mut browser, "/login/permanent").await, Some(8 * HOUR), "{name}");
        assert_eq!(kept(&mut browser, "/kiosk").await, Some(20 * MINUTE), "{name}");
        assert_eq!(kept(&mut browser, "/policies").await, Some(8 * HOUR), "{name}");
    }
    let warned = logged.take_own().into_iter().any(|(_, text)| text.contains("expiration_time"));
    assert!(!warned, "the policies are not at fault");
}

#[actix_web::test]
async fn timeouts_that_cannot_be_are_refused_and_change_nothing() {
    async fn refuse(session: Session) -> String {
        session.set_lifetimes(KIOSK).expect("they can be");
        let new = Lifetimes::new;
        for (wrong, why) in [
            (new().idle_timeout(SECOND), LifetimeError::IdleTooShort { idle: SECOND }),
            (
                new().absolute_timeout(Duration::from_millis(999)),
                LifetimeError::Zero { attribute: "absolute_timeout" },
            ),
            (
                new().idle_timeout(HOUR).absolute_timeout(MINUTE),
                LifetimeError::IdleAboveAbsolute { idle: HOUR, absolute: MINUTE },
            ),
        ] {
            let err = session.set_lifetimes(wrong).expect_err("they cannot be");
            assert!(err.to_string().starts_with("the session cannot have these lifetimes: `"));
            assert!(matches!(err, SessionError::Lifetimes(err) if err == why), "{why}");
            assert_eq!(session.lifetimes(), KIOSK);
        }
        "refused".to_owned()
    }
    let app = App::new().wrap(AppSessions::signed(SessionConfig::new()));
    let app = init_service(app.default_service(web::to(refuse))).await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "refused");
}

#[actix_web::test]
async fn the_list_of_an_owner_has_no_session_that_ended_by_its_own_timeouts() {
    let time = TestClock::new();
    let backend = ServerSide::new(MemoryStore::with_clock(time.clock()));
    let app = app(Mode::Id(backend.clone()), office(), time.clone()).await;
    let [mut kiosk, mut laptop] = [Browser::new(), Browser::new()];
    kiosk.get(&app, "/login/kiosk").await;
    laptop.get(&app, "/login").await;
    let listed = async || backend.sessions_of("alice").await.expect("the store is there").len();
    for _ in 0..19 {
        time.advance(MINUTE);
        kiosk.get(&app, "/read").await;
        assert_eq!(listed().await, 2);
    }
    time.advance(MINUTE);
    assert_eq!(listed().await, 1);
}

/// By the last use, which is known although the session was written for a longer time.
#[actix_web::test]
async fn an_idle_timeout_that_is_shortened_reaches_sessions_that_exist() {
    for (name, backend) in backends() {
        for remembered in [false, true] {
            let time = TestClock::new();
            let begin = if remembered { "/login/longer/remember" } else { "/login" };
            let long = app(backend.clone(), office(), time.clone()).await;
            let short = office().idle_timeout(5 * MINUTE).remembered(8 * HOUR);
            let short = app(backend.clone(), short, time.clone()).await;
            let mut browser = Browser::new();
            browser.get(&long, begin).await;
            for _ in 0..5 {
                time.advance((5 * MINUTE).saturating_sub(SECOND));
                assert_eq!(browser.get(&short, "/read").await.body, "alice", "{name}");
            }
            // One that was unused for longer lives where the policies are the former ones.
            time.advance(6 * MINUTE);
            assert_eq!(browser.get(&long, "/read").await.body, "alice", "{name}");
            time.advance(5 * MINUTE);
            let expected = if remembered { "alice" } else { "nobody" };
            assert_eq!(browser.get(&short, "/read").await.body, expected, "{name}");
        }
    }
}

#[actix_web::test]
async fn a_lifetime_that_is_shortened_and_lengthened_reaches_sessions_that_exist() {
    for (name, backend) in backends() {
        let time = TestClock::new();
        let days = |days| SessionConfig::new().lifetime(days * DAY);
        let long = app(backend.clone(), days(30), time.clone()).await;
        let short = app(backend.clone(), days(2), time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&short, "/login").await;
        time.advance(DAY);
        browser.get(&long, "/write").await;
        time.advance(20 * DAY);
        assert_eq!(browser.get(&long, "/write").await.body, "alice", "{name}");
        time.advance(2 * DAY + SECOND);
        assert_eq!(browser.get(&short, "/read").await.body, "nobody", "{name}");
    }
}

/// A use notes the longer time in the record, from which the shorter one is counted again.
#[actix_web::test]
async fn in_a_store_uses_under_policies_that_change_are_counted_from_the_last() {
    let time = TestClock::new();
    let backend = Mode::Id(ServerSide::new(MemoryStore::with_clock(time.clock())));
    let long = app(backend.clone(), office(), time.clone()).await;
    let short = app(backend.clone(), office().idle_timeout(5 * MINUTE), time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&short, "/login").await;
    time.advance(4 * MINUTE);
    assert_eq!(browser.get(&long, "/read").await.body, "alice");
    time.advance((5 * MINUTE).saturating_sub(SECOND));
    let mut other = Browser::new();
    other.set_cookie("session", browser.cookie("session").expect("it is set"));
    assert_eq!(other.get(&short, "/read").await.body, "alice");
    time.advance(5 * MINUTE);
    assert_eq!(browser.get(&short, "/read").await.body, "nobody");
}

/// The request that notes the use has loaded the session before its timeouts were shortened.
#[actix_web::test]
async fn in_a_store_a_use_that_is_noted_meanwhile_undoes_no_shorter_timeout() {
    let time = TestClock::new();
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let app = app(ServerSide::new(store.clone()), office(), time.clone()).await;
    for shorten in ["/kiosk", "/login/kiosk"] {
        let mut browser = Browser::new();
        browser.get(&app, "/login").await;
        let mut tab = Browser::new();
        tab.set_cookie("session", browser.cookie("session").expect("it is set"));
        time.advance(10 * MINUTE);
        let opening = store.hold(Moment::After(Operation::Load));
        let shortening = async {
            opening.reached().await;
            let noting = store.hold(Moment::Before(Operation::Load));
            opening.open();
            noting.reached().await;
            assert_eq!(browser.get(&app, shorten).await.body, "alice at a kiosk");
            noting.open();
        };
        join(tab.get(&app, "/read"), shortening).await;
        time.advance((2 * MINUTE).saturating_sub(SECOND));
        assert_eq!(browser.get(&app, "/read").await.body, "alice at a kiosk", "{shorten}");
        time.advance(2 * MINUTE);
        assert_eq!(browser.get(&app, "/read").await.body, "nobody", "{shorten}");
    }
}

#[actix_web::test]
async fn the_key_is_one_that_flask_keeps() {
    let app = app(Mode::flask(key(1)), SessionConfig::new(), TestClock::new()).await;
    let answer = Browser::new().get(&app, "/kiosk").await;
    let cookie = answer.cookie().expect("it is set");
    let payload = cookie.value.split('.').next().expect("a payload");
    let payload = base64_url(payload);
    assert!(payload.contains(r#""_lifetimes":{"absolute":1200,"idle":120}"#), "{payload}");
}

fn base64_url(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64");
    String::from_utf8(bytes).expect("text")
}
