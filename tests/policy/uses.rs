//! Requests that are no use of their session do not prolong it, in every backend, unless they write.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, body::MessageBody, dev::ServiceResponse, test::init_service, web,
};
use sessions::{
    KeyRing, MemoryStore, ServerSide, Session, SessionConfig, SessionInterface, SessionMiddleware,
    SessionState, SharedKeys, SignedCookie,
    backend::Backend,
    test::{FaultStore, TestClock},
};
use sessions_tests::{Browser, Mode, key};

use super::remembered::{backends, fresh};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, SessionInterface)]
#[session(is_use = is_no_poll)]
struct Polled<B: Backend> {
    backend: B,
    config: SessionConfig,
}

fn is_no_poll<B: Backend>(_: &Polled<B>, request: &HttpRequest) -> bool {
    !request.path().starts_with("/poll")
}

fn idle() -> SessionConfig {
    SessionConfig::new().idle_timeout(30 * MINUTE)
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    for word in request.path().split('/') {
        match word {
            "login" => session.set_owner("alice")?,
            "permanent" => session.set_permanent(true)?,
            "write" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "flash" => session.flash("info", "text")?,
            "take" => drop(session.take_flashes()?),
            "rotate" => session.rotate()?,
            "save" => drop(session.save_now().await?),
            _ => {}
        }
    }
    Ok(session.owner().unwrap_or_else(|| "nobody".to_owned()))
}

async fn app<I: SessionInterface>(
    sessions: I,
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = SessionMiddleware::new(sessions).with_clock(time.clock());
    init_service(App::new().wrap(sessions).default_service(web::to(act))).await
}

#[actix_web::test]
async fn polling_does_not_prolong_a_session_and_a_use_does() {
    for (name, _) in backends() {
        for (path, lives) in [("/poll", false), ("/poll/save", false), ("/page", true)] {
            let time = TestClock::new();
            let app = app(Polled { backend: fresh(name), config: idle() }, time.clone()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/login/permanent").await;
            for _ in 0..29 {
                time.advance(MINUTE);
                let answer = browser.get(&app, path).await;
                assert_eq!(answer.body, "alice", "{name} {path}");
                assert!(lives || answer.cookie().is_none(), "{name} {path}");
            }
            time.advance(MINUTE.saturating_sub(SECOND));
            assert_eq!(browser.get(&app, path).await.body, "alice", "{name} {path}");
            time.advance(SECOND);
            let expected = if lives { "alice" } else { "nobody" };
            assert_eq!(browser.get(&app, path).await.body, expected, "{name} {path}");
        }
    }
}

#[actix_web::test]
async fn a_request_that_writes_prolongs_the_session_whatever_it_is() {
    for (name, _) in backends() {
        for path in ["/poll/write", "/poll/rotate", "/poll/login", "/poll/take"] {
            let time = TestClock::new();
            let app = app(Polled { backend: fresh(name), config: idle() }, time.clone()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/login/flash").await;
            time.advance(20 * MINUTE);
            browser.get(&app, path).await;
            time.advance((30 * MINUTE).saturating_sub(SECOND));
            assert_eq!(browser.get(&app, "/poll").await.body, "alice", "{name} {path}");
            time.advance(SECOND);
            assert_eq!(browser.get(&app, "/poll").await.body, "nobody", "{name} {path}");
        }
    }
}

#[actix_web::test]
async fn a_poll_refreshes_no_cookie_and_a_use_does() {
    for (name, backend) in backends() {
        let time = TestClock::new();
        let config = SessionConfig::new().permanent(true);
        let app = app(Polled { backend, config }, time.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/login").await;
        time.advance(MINUTE);
        assert_eq!(browser.get(&app, "/poll").await.cookie(), None, "{name}");
        assert!(browser.get(&app, "/page").await.cookie().is_some(), "{name}");
        assert!(browser.get(&app, "/poll/write").await.cookie().is_some(), "{name}");
    }
}

#[actix_web::test]
async fn a_policy_that_always_sets_the_cookie_is_not_asked_of_a_poll() {
    #[derive(Clone, SessionInterface)]
    #[session(is_use = Self::is_page, should_set_cookie = always)]
    struct Always {
        backend: SignedCookie,
    }
    impl Always {
        fn is_page(_: &Self, request: &HttpRequest) -> bool {
            request.path() != "/poll"
        }
    }
    fn always(_: &Always, _: &SessionState) -> bool {
        true
    }
    let app = app(Always { backend: SignedCookie::new(key(1)) }, TestClock::new()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/login").await;
    assert_eq!(browser.get(&app, "/poll").await.cookie(), None);
    assert!(browser.get(&app, "/page").await.cookie().is_some());
}

/// A token under another key is a new one, whose age counts from the present.
#[actix_web::test]
async fn a_poll_under_a_fallback_key_gets_no_new_token_and_a_use_does() {
    for named in [0, 1, 2] {
        let keys = SharedKeys::from(key(1));
        let backend = Mode::all(keys.clone()).into_iter().nth(named).expect("one of three");
        let name = backend.name();
        let app = app(Polled { backend, config: SessionConfig::new() }, TestClock::new()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/login").await;
        keys.replace(KeyRing::new(key(2)).with_fallback(key(1)));
        assert_eq!(browser.get(&app, "/poll").await.cookie(), None, "{name}");
        assert!(browser.get(&app, "/page").await.cookie().is_some(), "{name}");
    }
}

#[actix_web::test]
async fn a_poll_costs_one_call_of_the_store_however_late_it_comes() {
    let time = TestClock::new();
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let backend = ServerSide::new(store);
    let app = app(Polled { backend: backend.clone(), config: idle() }, time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/login").await;
    time.advance(20 * MINUTE);
    for (path, calls) in [("/poll", 1), ("/poll", 1), ("/page", 2), ("/poll/write", 2)] {
        let before = backend.store().calls();
        browser.get(&app, path).await;
        assert_eq!(backend.store().calls() - before, calls, "{path}");
    }
}

/// As an application writes it whose interface is not derived.
#[actix_web::test]
async fn without_a_function_each_request_is_a_use() {
    let time = TestClock::new();
    let sessions =
        sessions_tests::AppSessions { backend: SignedCookie::new(key(1)), config: idle() };
    assert!(sessions.is_use(&actix_web::test::TestRequest::default().to_http_request()));
    let app = app(sessions, time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/login").await;
    for _ in 0..10 {
        time.advance(20 * MINUTE);
        assert_eq!(browser.get(&app, "/poll").await.body, "alice");
    }
}
