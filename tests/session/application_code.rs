//! The application's code never runs under the session's lock: types that are read and written,
//! keys, closures, and what is dropped with them. Each may use the session, or gets an error at once.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::{Future, pending, ready},
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use actix_http::Request;
use actix_web::{
    App, HttpResponse, ResponseError,
    dev::Service,
    http::StatusCode,
    rt::System,
    test::{TestRequest, call_service, init_service},
    web,
};
use futures_util::FutureExt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;
use sessions::{
    MemoryStore, ServerSide, Session, SessionError, SessionInterface, SessionMiddleware,
    request::Clock, test::TestClient,
};
use sessions_tests::{StoredSessions, seeded};

thread_local! {
    /// The session of the request that runs on this thread.
    static CURRENT: RefCell<Option<Session>> = const { RefCell::new(None) };
    /// What the application's code got from it.
    static USED: Cell<u32> = const { Cell::new(0) };
    static REFUSED: Cell<u32> = const { Cell::new(0) };
}

/// Reads and writes the session from within a type of the application.
fn use_the_session() {
    let Some(session) = CURRENT.with_borrow(Clone::clone) else { return };
    session.contains_key("planted");
    USED.set(USED.get() + 1);
    match session.insert("by the type", USED.get()) {
        // The session may be saved already.
        Ok(()) | Err(SessionError::Saved) => {}
        Err(SessionError::WithinUpdate) => REFUSED.set(REFUSED.get() + 1),
        Err(err) => panic!("{err}"),
    }
}

/// Returns how often the application's code ran, and how often it was not allowed to write.
fn used() -> (u32, u32) {
    (USED.take(), REFUSED.take())
}

/// A value that uses the session while it is read, written, printed, and dropped.
#[derive(Debug, Default, PartialEq)]
struct Nosy(u32);

impl Serialize for Nosy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use_the_session();
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Nosy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use_the_session();
        u32::deserialize(deserializer).map(Self)
    }
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use_the_session();
        write!(f, "{}", self.0)
    }
}

impl AsRef<str> for Nosy {
    fn as_ref(&self) -> &'static str {
        use_the_session();
        "key"
    }
}

/// Uses the session when it is dropped.
struct NosyDrop;

impl Drop for NosyDrop {
    fn drop(&mut self) {
        use_the_session();
    }
}

fn stored() -> StoredSessions<MemoryStore> {
    StoredSessions::new(MemoryStore::new())
}

/// Returns a request of a client that has a session: the change set of a new one is not kept.
async fn request(sessions: &StoredSessions<MemoryStore>) -> Request {
    let client = TestClient::new(sessions);
    seeded(&client, TestRequest::default(), json!({"seeded": 1})).await.to_request()
}

/// Runs `act` in a handler of this status, and fails when it hangs.
fn answers_with(status: u16, act: impl Fn(&Session) + Clone + Send + 'static) {
    completes(move || async move {
        let handler = move |session: Session| {
            CURRENT.set(None);
            session.insert("planted", Nosy(7)).expect("it is writable");
            CURRENT.set(Some(session.clone()));
            act(&session);
            let status = StatusCode::from_u16(status).expect("it is a status");
            ready(HttpResponse::build(status).finish())
        };
        let sessions = stored();
        let request = request(&sessions).await;
        let app = App::new().wrap(sessions).default_service(web::to(handler));
        let response = call_service(&init_service(app).await, request).await;
        assert_eq!(response.status(), status);
    });
}

/// Runs a test on a thread of its own, and fails when it hangs.
fn completes<T: Future<Output = ()>>(test: impl FnOnce() -> T + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let worker = thread::spawn(move || {
        System::new().block_on(test());
        CURRENT.set(None);
        done.send(()).expect("the test waits");
    });
    match is_done.recv_timeout(Duration::from_secs(30)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the handler hangs"),
        // It is done, or it panicked.
        _ => worker.join().expect("the handler does not panic"),
    }
}

fn in_handler(act: impl Fn(&Session) + Clone + Send + 'static) {
    answers_with(200, act);
}

#[test]
fn a_type_that_is_read_uses_the_session() {
    in_handler(|session| {
        assert_eq!(session.get("planted").unwrap(), Some(Nosy(7)));
        assert_eq!(used(), (1, 0));
        assert_eq!(session.get_or_insert_with("planted", Nosy::default).unwrap(), Nosy(7));
        assert_eq!(used(), (1, 0));
        assert_eq!(session.take("planted").unwrap(), Some(Nosy(7)));
        assert_eq!(used(), (1, 1), "it might change what is taken");
        assert!(session.contains_key("by the type"));
    });
}

/// Changes what is taken while it is read.
#[derive(Debug)]
struct Restless;

impl<'de> Deserialize<'de> for Restless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        USED.set(USED.get() + 1);
        let session = CURRENT.with_borrow(Clone::clone).expect("a request runs");
        let refused = session.insert("number", number + 1);
        assert!(matches!(refused, Err(SessionError::WithinUpdate)));
        Ok(Self)
    }
}

#[test]
fn a_type_that_would_change_what_is_taken_is_read_once() {
    in_handler(|session| {
        session.insert("number", 1).unwrap();
        assert!(session.take::<Restless>("number").unwrap().is_some());
        assert_eq!(used().0, 1);
        assert!(!session.contains_key("number"));
    });
}

#[test]
fn a_type_that_is_written_uses_the_session() {
    in_handler(|session| {
        session.insert("other", Nosy(1)).unwrap();
        assert_eq!(used(), (1, 0));
        assert_eq!(session.get_or_insert_with("new", || Nosy(2)).unwrap(), Nosy(2));
        assert_eq!(used(), (1, 0));
        session.extend([("more", Nosy(3)), ("most", Nosy(4))]).unwrap();
        assert_eq!(used(), (2, 0));
        assert_eq!(session.len(), 7);
    });
}

#[test]
fn a_key_and_an_owner_use_the_session() {
    in_handler(|session| {
        session.extend([(Nosy(0), 1)]).unwrap();
        assert_eq!(session.get("key").unwrap(), Some(1));
        session.extend([1, 2].into_iter().map(|n| (Nosy(n), n))).unwrap();
        assert_eq!(session.get("key").unwrap(), Some(2));
        assert_eq!(used(), (3, 0));
        session.set_owner(Nosy(5)).unwrap();
        assert_eq!(session.owner().as_deref(), Some("5"));
        assert_eq!(used(), (1, 0));
    });
}

#[test]
fn a_write_within_an_update_is_an_error_at_once() {
    in_handler(|session| {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let handle = session.clone();
        let updated = session.update("n", move |n: Option<u32>| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            assert!(handle.contains_key("planted"));
            let writes = [
                handle.insert("m", 1),
                handle.remove("planted").map(drop),
                handle.take::<u32>("planted").map(drop),
                handle.clear(),
                handle.extend([("m", 1)]),
                handle.update("m", |m: Option<u32>| m.unwrap_or(0)).map(drop),
                handle.flash("info", "a message"),
                handle.set_owner(1),
                handle.renew(),
                handle.rotate(),
                handle.purge().map(drop),
                handle.rollback(),
                handle.set_permanent(true),
                handle.set_modified(true),
            ];
            for write in writes {
                assert!(matches!(write, Err(SessionError::WithinUpdate)), "{write:?}");
            }
            n.unwrap_or(0) + 1
        });
        assert_eq!(updated.unwrap(), 1);
        assert_eq!(RUNS.load(Ordering::Relaxed), 1);
        assert_eq!(session.keys(), ["n", "planted", "seeded"]);
        session.insert("m", 1).unwrap();
    });
}

#[test]
fn a_type_within_an_update_reads_the_session_and_cannot_write_it() {
    in_handler(|session| {
        let updated = session.update("planted", |old: Option<Nosy>| old.unwrap());
        assert_eq!(updated.unwrap(), Nosy(7));
        assert_eq!(used(), (2, 2));
        assert!(!session.contains_key("by the type"));
    });
}

#[test]
fn what_an_update_holds_is_dropped_without_the_lock() {
    type Discard = fn(&Session) -> Result<(), SessionError>;
    let discards: [Discard; 4] = [
        |session| session.clear(),
        |session| session.rollback(),
        |session| session.purge().map(drop),
        |session| session.set_owner(1).and_then(|()| session.set_owner(2)),
    ];
    for discard in discards {
        in_handler(move |session| {
            let held = NosyDrop;
            session.update_with("n", held, |_, n: Option<u32>| n.unwrap_or(0)).unwrap();
            assert_eq!(used(), (0, 0));
            discard(session).unwrap();
            assert_eq!(used(), (1, 0));
        });
    }
    // The policy `save_when` discards the changes of such a response.
    for status in [500, 200] {
        answers_with(status, |session| {
            session.update_with("n", NosyDrop, |_, n: Option<u32>| n.unwrap_or(0)).unwrap();
        });
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Page {
    planted: Nosy,
    views: u32,
}

#[derive(Clone, SessionInterface)]
#[session(data = Page)]
struct Pages {
    backend: ServerSide<MemoryStore>,
}

#[test]
fn typed_content_uses_the_session() {
    completes(|| async {
        let handler = |session: Session<Pages>, dictionary: Session| {
            CURRENT.set(Some(dictionary));
            assert_eq!(session.read(|page| page.planted.0).unwrap(), 7);
            assert_eq!(used(), (1, 0));
            assert_eq!(session.snapshot().unwrap().planted, Nosy(7));
            assert_eq!(used(), (1, 0));
            session.modify(|page| page.views += 1).unwrap();
            let (used, refused) = used();
            assert_eq!(used, refused);
            assert_eq!(used, 3, "it is read once, and written before and after the change");
            ready(HttpResponse::Ok().finish())
        };
        let pages = Pages { backend: ServerSide::new(MemoryStore::new()) };
        let content = json!({"planted": 7, "views": 1});
        let request = seeded(&TestClient::new(&pages), TestRequest::default(), content).await;
        let app = init_service(App::new().wrap(pages).default_service(web::to(handler))).await;
        assert_eq!(call_service(&app, request.to_request()).await.status(), 200);
    });
}

/// An error that reads the session to tell its status.
#[derive(Debug)]
struct NosyError;

impl fmt::Display for NosyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it does not go on")
    }
}

impl ResponseError for NosyError {
    fn status_code(&self) -> StatusCode {
        use_the_session();
        StatusCode::IM_A_TEAPOT
    }
}

#[test]
fn an_error_and_a_clock_of_the_application_use_the_session() {
    completes(|| async {
        let clock = Clock::from_fn(|| {
            use_the_session();
            SystemTime::now()
        });
        let sessions = stored();
        let request = request(&sessions).await;
        let sessions = SessionMiddleware::new(sessions).with_clock(clock);
        let handler = |session: Session| {
            session.insert("planted", 1).expect("it is writable");
            session.set_owner(1).expect("it is writable");
            CURRENT.set(Some(session));
            ready(HttpResponse::Ok().finish())
        };
        let app = App::new()
            // A middleware of the application between the session and the handler.
            .wrap_fn(|request, service| {
                let call = service.call(request);
                async move {
                    call.await?;
                    Err::<actix_web::dev::ServiceResponse, _>(NosyError.into())
                }
            })
            .wrap(sessions)
            .default_service(web::to(handler));
        let answer = init_service(app).await.call(request).await;
        let status = match answer {
            Ok(response) => response.status(),
            Err(err) => err.error_response().status(),
        };
        assert_eq!(status, StatusCode::IM_A_TEAPOT);
        assert!(used().0 > 0);
    });
}

// What a closure holds is freed with the request, even a handle of the session itself.

/// Runs a request whose handler updates the session with a closure that holds a handle of it, and
/// goes on with `end`; a request that `is_dropped` does not go on. Returns whether what it held is
/// still in memory.
async fn leaks<E: Future<Output = u16> + 'static>(
    is_dropped: bool,
    end: impl Fn(Session) -> E + Clone + 'static,
) -> bool {
    thread_local!(static HELD: RefCell<Weak<()>> = const { RefCell::new(Weak::new()) });
    let handler = move |session: Session| {
        let end = end.clone();
        async move {
            let (handle, held) = (session.clone(), Arc::new(()));
            HELD.set(Arc::downgrade(&held));
            let change =
                move |_: &Arc<()>, n: Option<u32>| n.unwrap_or_else(|| u32::from(handle.is_new()));
            session.update_with("n", held, change).expect("it is writable");
            let status = StatusCode::from_u16(end(session).await).expect("it is a status");
            HttpResponse::build(status).finish()
        }
    };
    let sessions = stored();
    let request = request(&sessions).await;
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    let call = Box::pin(app.call(request));
    if is_dropped {
        assert!(call.now_or_never().is_none(), "it waits");
    } else {
        assert!(call.await.expect("it is answered").response().error().is_none());
    }
    HELD.with_borrow(|held| held.upgrade().is_some())
}

#[actix_web::test]
async fn what_an_update_holds_is_freed_with_its_request() {
    assert!(!leaks(false, |_| ready(200)).await, "saved");
    assert!(!leaks(false, |_| ready(500)).await, "discarded with the response");
    let saved_early = |session: Session| async move {
        session.save_now().await.expect("it is saved");
        200
    };
    assert!(!leaks(false, saved_early).await, "saved early");
    assert!(!leaks(true, |_| pending()).await, "dropped");
    let purged = |session: Session| async move {
        session.purge().expect("it is writable");
        200
    };
    assert!(!leaks(false, purged).await, "purged");
}
