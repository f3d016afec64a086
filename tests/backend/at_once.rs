//! What waits for nothing is opened and saved at once, and a store that says it never waits is held to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, body::MessageBody, dev::ServiceResponse, http::StatusCode,
    test::init_service, web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionMiddleware, SessionState,
    backend::{AnyBackend, Backend},
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved, SessionInterface},
    policy::CookieName,
    test::TestClock,
};
use sessions_tests::{AppSessions, Browser, Call, HookedStore, Mode, StoredSessions, When, key};
use tokio::{task::yield_now, time::sleep};

/// A backend that counts how often it is asked to wait.
#[derive(Clone)]
struct Counted<B> {
    inner: B,
    waits: Arc<AtomicUsize>,
}

impl<B> Counted<B> {
    fn new(inner: B) -> Self {
        Self { inner, waits: Arc::default() }
    }

    fn waits(&self) -> usize {
        self.waits.swap(0, Ordering::SeqCst)
    }
}

impl<B: Backend> Backend for Counted<B> {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.inner.open(cx).await
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        self.inner.open_at_once(cx)
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.inner.save(state, cx).await
    }

    fn save_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.inner.save_at_once(state, cx)
    }
}

/// Does what the path says.
async fn act(request: HttpRequest, session: Session) -> actix_web::Result<String> {
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        match word {
            "read" => {}
            "count" => _ = session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1)?,
            "large" => session.insert("large", "x".repeat(10_000))?,
            "login" => session.set_owner("7")?,
            "yield" => yield_now().await,
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(session.get::<u64>("n")?.unwrap_or_default().to_string())
}

async fn app<I: SessionInterface>(
    sessions: I,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let app = App::new().wrap(SessionMiddleware::new(sessions));
    init_service(app.default_service(web::to(act))).await
}

fn sessions<B: Backend>(backend: B) -> AppSessions<B> {
    let config = SessionConfig::new().cookie_name(CookieName::from_static("id"));
    AppSessions { backend, config: config.cookie_secure(false).permanent(true) }
}

#[actix_web::test]
async fn a_session_that_nothing_waits_for_is_opened_and_saved_at_once_in_every_backend() {
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(2))]) {
        for backend in [AnyBackend::new(mode.clone()), AnyBackend::new(AnyBackend::new(mode))] {
            let counted = Counted::new(backend);
            let app = app(sessions(counted.clone())).await;
            let mut browser = Browser::new();
            for (path, expected) in
                [("/read", "0"), ("/count", "1"), ("/read", "1"), ("/count", "2"), ("/read", "2")]
            {
                assert_eq!(browser.get(&app, path).await.body, expected);
                assert_eq!(counted.waits(), 0, "{path}");
            }
        }
    }
}

#[actix_web::test]
async fn what_another_rule_asks_goes_the_long_way_in_a_store() {
    let [.., mode] = Mode::all(key(1));
    let counted = Counted::new(mode);
    let app = app(sessions(counted.clone())).await;
    let mut browser = Browser::new();
    for (path, waits) in [
        ("/count", 0),
        ("/login", 1),
        ("/count", 0),
        // The session gets large, and is then opened in its turn.
        ("/large", 0),
        ("/read", 1),
    ] {
        assert_eq!(browser.get(&app, path).await.status, StatusCode::OK);
        assert_eq!(counted.waits(), waits, "{path}");
    }
    let token = browser.cookie("id").expect("it has a session").to_owned();
    let [mut first, mut second] = [(); 2].map(|()| {
        let mut browser = Browser::new();
        browser.set_cookie("id", &token);
        browser
    });
    let (first, second) =
        tokio::join!(first.get(&app, "/count/yield"), second.get(&app, "/count/yield"));
    assert_eq!([first.status, second.status], [StatusCode::OK; 2]);
    assert!(counted.waits() > 2, "one of them makes its change on that of the other");
}

#[actix_web::test]
async fn a_write_that_waits_in_a_store_that_says_it_never_does_fails_and_is_made_once() {
    let writes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&writes);
    let store = HookedStore::new(MemoryStore::new(), move |call, when| {
        let is_write = matches!(call, Call::Create | Call::Replace) && when == When::After;
        let count = Arc::clone(&count);
        Box::pin(async move {
            if is_write {
                count.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        })
    });
    let app = app(StoredSessions::new(store.saying_at_once())).await;
    let mut browser = Browser::new();
    let answer = browser.get(&app, "/count").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(browser.cookie("id"), None);
    assert_eq!(writes.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_read_that_waits_in_a_store_that_says_it_never_does_is_waited_for() {
    let store = HookedStore::new(MemoryStore::new(), |call, _| {
        Box::pin(async move {
            if call == Call::Load {
                sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        })
    });
    let app = app(StoredSessions::new(store.saying_at_once())).await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    assert_eq!(browser.get(&app, "/count").await.body, "2");
    assert_eq!(browser.get(&app, "/read").await.body, "2");
}

#[actix_web::test]
async fn a_store_that_answers_at_once_is_read_once_more_for_a_use_that_is_noted_and_a_large_session()
 {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let store = HookedStore::new(MemoryStore::new(), move |_, when| {
        count.fetch_add(usize::from(when == When::Before), Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    });
    let backend = ServerSide::new(store.saying_at_once());
    let minute = Duration::from_secs(60);
    let config = SessionConfig::new().idle_timeout(10 * minute).touch_interval(minute);
    let time = TestClock::new();
    let sessions =
        SessionMiddleware::new(AppSessions { backend, config: config.cookie_secure(false) });
    let app = App::new().wrap(sessions.with_clock(time.clock()));
    let app = init_service(app.default_service(web::to(act))).await;
    let mut browser = Browser::new();
    for (path, later, expected) in [
        ("/count", Duration::ZERO, 1),
        ("/read", Duration::ZERO, 1),
        ("/read", minute, 3),
        ("/read", Duration::ZERO, 1),
        ("/large", Duration::ZERO, 2),
        // It is read in its turn.
        ("/read", Duration::ZERO, 2),
    ] {
        time.advance(later);
        assert_eq!(browser.get(&app, path).await.body, "1");
        assert_eq!(calls.swap(0, Ordering::SeqCst), expected, "{path} after {later:?}");
    }
}
