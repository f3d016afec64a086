//! The table from a failure to its answer: every row, in every phase of a request.

use std::io;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, VARY},
    middleware::{Next, from_fn},
    test::init_service,
    web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionExt, SignedCookie,
    backend::{Backend, OwnerError},
    policy::{OnLoadError, OpenMode},
    store::{Store, StoreError},
    test::{Fault, FaultStore, Operation},
};
use sessions_tests::{Answer, AppSessions, Browser, Logged, key};
use tracing::Level;

type Faulty = FaultStore<MemoryStore>;

/// The calls on an owner's sessions, which the backends have under one name.
trait EndsSessions: Backend + Clone {
    async fn list(&self) -> Result<(), OwnerError>;
    async fn end_all(&self) -> Result<(), OwnerError>;
    async fn end_others(&self, session: &Session) -> Result<(), OwnerError>;
}

impl<S: Store> EndsSessions for ServerSide<S> {
    async fn list(&self) -> Result<(), OwnerError> {
        self.sessions_of(7).await.map(drop)
    }

    async fn end_all(&self) -> Result<(), OwnerError> {
        self.end_all(7).await.map(drop)
    }

    async fn end_others(&self, session: &Session) -> Result<(), OwnerError> {
        self.end_others(session).await.map(drop)
    }
}

impl EndsSessions for SignedCookie {
    async fn list(&self) -> Result<(), OwnerError> {
        Ok(())
    }

    async fn end_all(&self) -> Result<(), OwnerError> {
        self.end_all(7).await
    }

    async fn end_others(&self, session: &Session) -> Result<(), OwnerError> {
        self.end_others(session).await
    }
}

/// Does what the path says, one word after the other.
async fn act<B: EndsSessions>(
    request: HttpRequest,
    session: Session,
    backend: web::Data<B>,
) -> actix_web::Result<HttpResponse> {
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        match word {
            "read" => drop(session.keys()),
            "count" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "fill" => session.insert("big", "x".repeat(70_000))?,
            "clear" => session.clear()?,
            "purge" => drop(session.purge()?),
            "renew" => session.renew()?,
            "rotate" => session.rotate()?,
            "login" => session.set_owner(7)?,
            "now" => drop(session.save_now().await?),
            "list" => backend.list().await?,
            "all" => backend.end_all().await?,
            "others" => backend.end_others(&session).await?,
            other => panic!("nothing to do at {other}"),
        }
    }
    Ok(HttpResponse::Ok().finish())
}

async fn option(session: Option<Session>) -> &'static str {
    if session.is_some() { "somebody" } else { "nobody" }
}

/// Ends all sessions of an owner, on a page without a session.
async fn everywhere<B: EndsSessions>(backend: web::Data<B>) -> actix_web::Result<&'static str> {
    backend.end_all().await?;
    Ok("ended")
}

const FROM_OUTSIDE: HeaderName = HeaderName::from_static("seen-from-outside");

/// A middleware around the session: marks the responses that have an error inside.
async fn outside(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    if response.response().error().is_some() {
        response.headers_mut().insert(FROM_OUTSIDE, HeaderValue::from_static("an error"));
    }
    Ok(response)
}

/// A middleware within it, which uses the session at `/middleware/…`.
async fn within(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.path() == "/middleware/read" {
        request.session().await?;
    }
    if request.path() == "/middleware/late" {
        let session = request.session().await?;
        let response = next.call(request).await?;
        session.save_now().await?;
        session.insert("late", 1)?;
        return Ok(response);
    }
    next.call(request).await
}

async fn app<B: EndsSessions>(
    backend: B,
    config: SessionConfig,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .app_data(web::Data::new(backend.clone()))
            .wrap(from_fn(within))
            .wrap(AppSessions { backend, config })
            .wrap(from_fn(outside))
            .route("/option", web::get().to(option))
            .route("/everywhere", web::get().to(everywhere::<B>))
            .route("/middleware/{what}", web::get().to(option))
            .default_service(web::to(act::<B>)),
    )
    .await
}

/// What a client gets, apart from an empty body, `no-store` and `Vary: Cookie`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    status: u16,
    retry: bool,
    level: Level,
}

const OUTAGE: Row = Row { status: 503, retry: true, level: Level::ERROR };
const UNKNOWN: Row = Row { status: 503, retry: false, level: Level::ERROR };
const CONFLICT: Row = Row { status: 409, retry: false, level: Level::WARN };
const SERVER: Row = Row { status: 500, retry: false, level: Level::ERROR };

/// Checks an answer and the one line about it, which is returned.
#[track_caller]
fn assert_row(answer: &Answer, row: Row, logged: &Logged, place: &str) -> String {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (row.status, ""), "{place}");
    let retry: &[&str] = if row.retry { &["1"] } else { &[] };
    assert_eq!(answer.all(RETRY_AFTER), retry, "{place}");
    assert_eq!(answer.all(CACHE_CONTROL), ["no-store"], "{place}");
    assert_eq!(answer.all(VARY), ["Cookie"], "{place}");
    // An error of a middleware stays one, and passes middleware further out by.
    let is_inside = !place.contains("/middleware/");
    assert_eq!(answer.headers.contains_key(FROM_OUTSIDE), is_inside, "{place}");
    let mut lines = logged.take_own();
    lines.retain(|(level, text)| {
        *level <= Level::WARN && !text.starts_with("the session store fails")
    });
    assert_eq!(lines.len(), 1, "{place}: {lines:?}");
    let (level, text) = lines.remove(0);
    assert_eq!(level, row.level, "{place}: {text}");
    text
}

fn told() -> io::Error {
    io::Error::other("told to fail")
}

/// The faults of a store, and what of its cause is in the line.
fn faults() -> [(Fault, &'static str); 5] {
    [
        (Fault::Fails(StoreError::unavailable(told())), "unavailable: told to fail"),
        (Fault::Fails(StoreError::no_connection(told())), "came free in time: told to fail"),
        (Fault::Fails(StoreError::read_only(told())), "takes no writes"),
        (Fault::Fails(StoreError::Full), "is full"),
        (Fault::Hangs, "within its deadline"),
    ]
}

/// A phase of a request: a page, whether its client has a session, and the call that fails.
struct Phase {
    path: &'static str,
    begins: &'static str,
    call: Operation,
    writes: bool,
}

const fn reads(path: &'static str, begins: &'static str, call: Operation) -> Phase {
    Phase { path, begins, call, writes: false }
}

const fn writes(path: &'static str, begins: &'static str, call: Operation) -> Phase {
    Phase { path, begins, call, writes: true }
}

const IN_A_STORE: [Phase; 19] = [
    reads("/read", "/count", Operation::Load),
    reads("/option", "/count", Operation::Load),
    reads("/middleware/read", "/count", Operation::Load),
    reads("/list", "", Operation::OwnerState),
    reads("/list", "", Operation::IndexKeys),
    reads("/list", "/login", Operation::Load),
    reads("/others", "/login", Operation::OwnerState),
    writes("/count", "", Operation::Create),
    writes("/count", "/count", Operation::Replace),
    writes("/clear", "/count", Operation::DeleteIf),
    writes("/purge", "/count", Operation::DeleteIf),
    writes("/renew", "/count", Operation::Replace),
    writes("/rotate", "/count", Operation::Replace),
    writes("/login", "", Operation::IndexAdd),
    writes("/login", "", Operation::Create),
    writes("/count/now", "/count", Operation::Replace),
    writes("/others", "/login", Operation::EndBefore),
    writes("/all", "/count", Operation::EndBefore),
    writes("/everywhere", "", Operation::EndBefore),
];

const IN_COOKIES: [Phase; 7] = [
    reads("/read", "/login", Operation::OwnerState),
    reads("/option", "/login", Operation::OwnerState),
    reads("/middleware/read", "/login", Operation::OwnerState),
    reads("/others", "/login", Operation::OwnerState),
    writes("/login", "", Operation::OwnerState),
    writes("/login/now", "", Operation::OwnerState),
    writes("/everywhere", "", Operation::EndBefore),
];

async fn assert_phases<B: EndsSessions>(
    phases: &[Phase],
    config: &SessionConfig,
    backend: impl Fn(Faulty) -> B,
) {
    for Phase { path, begins, call, writes } in phases {
        for (fault, cause) in faults() {
            let place = format!("{path} at {call:?}: {fault:?}");
            let store = FaultStore::new(MemoryStore::new());
            let app = app(backend(store.clone()), config.clone()).await;
            let mut browser = Browser::new();
            if !begins.is_empty() {
                assert_eq!(browser.get(&app, begins).await.status, 200, "{place}");
            }
            let row = match fault {
                Fault::Hangs if *writes => UNKNOWN,
                _ => OUTAGE,
            };
            store.on_every_call_of(*call, fault);
            let logged = Logged::start();
            let text = assert_row(&browser.get(&app, path).await, row, &logged, &place);
            assert!(text.contains(cause), "{place}: {text}");
        }
    }
}

#[actix_web::test]
async fn a_store_in_trouble_has_one_answer_in_every_phase() {
    tokio::time::pause();
    assert_phases(&IN_A_STORE, &SessionConfig::new(), ServerSide::new).await;
    let eager = SessionConfig::new().open(OpenMode::Eager);
    assert_phases(&IN_A_STORE[..2], &eager, ServerSide::new).await;
}

#[actix_web::test]
async fn so_has_the_store_beside_sessions_in_cookies() {
    tokio::time::pause();
    let backend = |store: Faulty| SignedCookie::new(key(1)).revocable(store);
    assert_phases(&IN_COOKIES, &SessionConfig::new(), backend).await;
}

#[actix_web::test]
async fn a_write_to_a_session_that_could_not_be_loaded_is_answered_as_its_loading() {
    tokio::time::pause();
    let config = SessionConfig::new().on_load_error(OnLoadError::Null);
    let phases = ["/count", "/purge", "/renew", "/login", "/fill"];
    let phases = phases.map(|path| reads(path, "/count", Operation::Load));
    assert_phases(&phases, &config, ServerSide::new).await;
}

#[actix_web::test]
async fn an_open_circuit_has_that_answer_too() {
    for (path, begins) in [
        ("/read", "/count"),
        ("/count", "/count"),
        ("/option", "/count"),
        ("/login", ""),
        ("/count", ""),
        ("/count/now", ""),
        ("/list", ""),
        ("/everywhere", ""),
        ("/middleware/read", "/count"),
    ] {
        let store = FaultStore::new(MemoryStore::new());
        let backend = ServerSide::new(store.clone());
        let app = app(backend.clone(), SessionConfig::new()).await;
        let mut browser = Browser::new();
        if !begins.is_empty() {
            browser.get(&app, begins).await;
        }
        store.on_every_call(Fault::Fails(StoreError::unavailable(told())));
        for _ in 0..5 {
            backend.sessions_of(1).await.unwrap_err();
        }
        let calls = store.calls();
        let logged = Logged::start();
        let text = assert_row(&browser.get(&app, path).await, OUTAGE, &logged, path);
        assert!(text.contains("the store was not asked"), "{text}");
        assert_eq!(store.calls(), calls, "{path}");
    }
}

#[actix_web::test]
async fn another_request_that_was_faster_is_a_conflict() {
    for (path, other) in [
        ("/count", "/purge"),
        ("/count", "/renew"),
        ("/count/now", "/purge"),
        ("/clear", "/renew"),
        ("/count", "/all"),
    ] {
        let store = FaultStore::new(MemoryStore::new());
        let app = app(ServerSide::new(store.clone()), SessionConfig::new()).await;
        let mut browser = Browser::new();
        assert_eq!(browser.get(&app, "/login").await.status, 200);
        let mut overtakes = Browser::new();
        overtakes.set_cookie("session", browser.cookie("session").expect("a login"));
        let logged = Logged::start();
        let moment = sessions::test::Moment::After(Operation::Load);
        let (slow, fast) =
            store.overtake(moment, browser.get(&app, path), overtakes.get(&app, other)).await;
        assert_eq!(fast.status, 200);
        assert_row(&slow, CONFLICT, &logged, path);
    }
}

#[actix_web::test]
async fn wrong_use_and_what_is_too_large_is_the_server_s_fault() {
    let cookies = || SignedCookie::new(key(1));
    let in_cookies = app(cookies(), SessionConfig::new()).await;
    let in_a_store = app(ServerSide::new(MemoryStore::new()), SessionConfig::new()).await;
    for path in ["/fill", "/fill/now", "/count/now/now", "/count/now/count", "/middleware/late"] {
        let logged = Logged::start();
        let answer = Browser::new().get(&in_cookies, path).await;
        assert_row(&answer, SERVER, &logged, path);
        let answer = Browser::new().get(&in_a_store, path).await;
        assert_row(&answer, SERVER, &logged, path);
    }
    let logged = Logged::start();
    // Not revocable, and without an owner.
    assert_row(&Browser::new().get(&in_cookies, "/all").await, SERVER, &logged, "/all");
    assert_row(&Browser::new().get(&in_cookies, "/everywhere").await, SERVER, &logged, "/every");
    assert_row(&Browser::new().get(&in_a_store, "/others").await, SERVER, &logged, "/others");
}
