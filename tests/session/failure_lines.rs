//! One line for each empty 4xx and 5xx of the session, wherever it arose; in an outage one a second.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::{Next, from_fn},
    test::init_service,
    web,
};
use sessions::{
    AnyBackend, EncryptedCookie, MemoryStore, ServerSide, Session, SessionConfig, SessionError,
    SessionExt, SignedCookie, TrySession,
    import::{ActixSession, ActixSessionKey, ImportActixSession},
    policy::{OnGone, OnLoadError, OnSaveError},
    store::StoreError,
    test::{Fault, FaultStore, Moment, Operation},
};
use sessions_tests::{
    Answer, AppSessions, Browser, ConfiguredSessions, Logged, Switched, key, key_text,
};
use tokio::time::advance;
use tracing::Level;

type Faulty = FaultStore<MemoryStore>;
type Backend = ServerSide<Faulty>;

/// An application's error, which answers as the session's does, or by itself.
#[derive(Debug)]
enum AppError {
    Passed(SessionError),
    Own(SessionError),
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of the application")
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Passed(err) => err.error_response(),
            Self::Own(err) => HttpResponse::BadRequest().body(err.to_string()),
        }
    }
}

async fn act(
    request: HttpRequest,
    session: Session,
    backend: web::Data<Backend>,
) -> actix_web::Result<HttpResponse> {
    let wrong = |session: &Session| session.insert("_started", 1);
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        match word {
            "count" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "login" => session.set_owner(7)?,
            "now" => drop(session.save_now().await?),
            "others" => drop(backend.end_others(&session).await?),
            "reserved" => wrong(&session)?,
            "decode" => drop(session.get::<bool>("n")?),
            "passed" => wrong(&session).map_err(AppError::Passed)?,
            "own" => wrong(&session).map_err(AppError::Own)?,
            "caught" => drop(wrong(&session)),
            "caught-now" => drop(session.save_now().await),
            "response" => return Ok(wrong(&session).expect_err("it is wrong").error_response()),
            "purge" => drop(session.purge()?),
            "scope" | "reads" => drop(session.keys()),
            other => panic!("nothing to do at {other}"),
        }
    }
    Ok(HttpResponse::Ok().finish())
}

/// Uses the session at the beginning of requests to `…/in/…`, and after those to `…/out/…`.
async fn uses(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match request.query_string() {
        "in" => request.session().await?.insert("_started", 1)?,
        "out" => {
            let session = request.session().await?;
            let response = next.call(request).await?;
            session.insert("_started", 1)?;
            return Ok(response);
        }
        "catch" => {
            let session = request.session().await;
            if let Ok(session) = session {
                drop(session.insert("_started", 1));
            }
        }
        _ => {}
    }
    next.call(request).await
}

/// Uses the session after its middleware has saved it.
async fn too_late(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_late = request.query_string() == "late";
    let response = next.call(request).await?;
    if is_late {
        response.request().session().await?.insert("a", 1)?;
    }
    Ok(response)
}

/// Ends all sessions of an owner, without a session.
async fn everywhere(backend: web::Data<Backend>) -> actix_web::Result<&'static str> {
    backend.end_all(7).await?;
    Ok("ended")
}

async fn app(
    store: &Faulty,
    config: SessionConfig,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let backend = ServerSide::new(store.clone());
    let wrapped = web::scope("")
        .wrap(from_fn(uses))
        .wrap(AppSessions { backend: backend.clone(), config })
        .wrap(from_fn(too_late))
        .service(web::scope("/scope").wrap(from_fn(uses)).default_service(web::to(act)))
        .route("/try", web::get().to(|_: TrySession| async { "answered" }))
        .default_service(web::to(act));
    init_service(
        App::new()
            .app_data(web::Data::new(backend))
            .route("/unwrapped/everywhere", web::get().to(everywhere))
            .route("/unwrapped/session", web::get().to(|_: Session| async { "never" }))
            .service(wrapped),
    )
    .await
}

fn memory() -> Faulty {
    FaultStore::new(MemoryStore::new())
}

fn down() -> Fault {
    Fault::Fails(StoreError::unavailable(std::io::Error::other("told to fail")))
}

/// The lines from `WARN` on.
fn lines(logged: &Logged) -> Vec<String> {
    let own = logged.take_own().into_iter();
    own.filter(|(level, _)| *level <= Level::WARN).map(|(_, text)| text).collect()
}

#[track_caller]
fn assert_line(answer: &Answer, status: u16, logged: &Logged, parts: &[&str]) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, ""), "{parts:?}");
    let lines = lines(logged);
    assert_eq!(lines.len(), 1, "{parts:?}: {lines:?}");
    for part in parts {
        assert!(lines[0].contains(part), "no {part:?} in: {}", lines[0]);
    }
}

#[actix_web::test]
async fn an_empty_answer_has_one_line_wherever_it_arose() {
    let store = memory();
    let app = app(&store, SessionConfig::new()).await;
    let logged = Logged::start();
    for (path, parts) in [
        // In a handler, with the path.
        ("/reserved", &["the key `_started` is reserved", "path=\"/reserved\"", "interface="][..]),
        ("/passed", &["the key `_started` is reserved", "path=\"/passed\""]),
        ("/response", &["the key `_started` is reserved", "path=\"/response\""]),
        ("/count/decode", &["the value of `n` is not of the requested type: its type"]),
        ("/count/now/now", &["call `save_now` once"]),
        ("/count/now/count", &["already saved"]),
        ("/others", &["has no owner; call `set_owner`"]),
        // In a middleware of the application and of a scope.
        ("/reads?in", &["the key `_started` is reserved", "interface="]),
        ("/count?out", &["the key `_started` is reserved"]),
        ("/scope?in", &["the key `_started` is reserved"]),
        ("/scope/count?out", &["the key `_started` is reserved"]),
        ("/scope/now?out", &["the session is already saved"]),
        // Outside of the session.
        ("/count?late", &["the session is already saved"]),
        ("/unwrapped/session", &["no session for this route", "path=\"/unwrapped/session\""]),
    ] {
        assert_line(&Browser::new().get(&app, path).await, 500, &logged, parts);
    }
}

#[actix_web::test]
async fn an_error_that_the_application_answers_has_none() {
    let store = memory();
    let app = app(&store, SessionConfig::new()).await;
    let logged = Logged::start();
    for (path, status) in [
        ("/own", 400),
        ("/caught", 200),
        ("/reads?catch", 200),
        ("/count/now/caught-now", 200),
        ("/count/caught-now", 200),
        ("/try", 200),
    ] {
        assert_eq!(Browser::new().get(&app, path).await.status, status, "{path}");
        assert_eq!(lines(&logged), [""; 0], "{path}");
    }
}

#[actix_web::test]
async fn an_owner_s_calls_have_one_with_and_without_a_session() {
    for path in ["/unwrapped/everywhere", "/login/others"] {
        let store = memory();
        let app = app(&store, SessionConfig::new()).await;
        store.on_every_call_of(Operation::EndBefore, down());
        let logged = Logged::start();
        let parts = ["the sessions of an owner could not be", "unavailable: told to fail"];
        assert_line(&Browser::new().get(&app, path).await, 503, &logged, &parts);
    }
}

#[actix_web::test]
async fn a_write_to_a_null_session_has_one() {
    let sessions = ConfiguredSessions { config: SessionConfig::new() };
    let count = |session: Session| async move { session.insert("n", 1).map(|()| "never") };
    let app = App::new().wrap(from_fn(uses)).wrap(sessions).default_service(web::to(count));
    let app = init_service(app).await;
    for path in ["/", "/?in", "/?out"] {
        let logged = Logged::start();
        let answer = Browser::new().get(&app, path).await;
        let mut lines = lines(&logged);
        // The first request also says that there is no key.
        lines.retain(|line| !line.starts_with("no secret key is set, so there are no sessions"));
        assert_eq!((answer.status.as_u16(), lines.len()), (500, 1), "{path}: {lines:?}");
        assert!(lines[0].contains("there is no session to write to: no secret key"), "{lines:?}");
    }
}

#[actix_web::test]
async fn a_failure_that_is_tolerated_has_one_as_well() {
    let cases: [(SessionConfig, &str, Operation, &[&str]); 3] = [
        (
            SessionConfig::new().on_save_error(OnSaveError::Log),
            "/count",
            Operation::Replace,
            &["session not saved: the session store is unavailable: told", "path=\"/count\""],
        ),
        (
            SessionConfig::new().on_load_error(OnLoadError::Null),
            "/reads",
            Operation::Load,
            &["session not opened: the session store is unavailable: told", "path=\"/reads\""],
        ),
        (
            SessionConfig::new(),
            "/try",
            Operation::Load,
            &["session not opened: the session store is unavailable: told", "path=\"/try\""],
        ),
    ];
    for (config, path, call, parts) in cases {
        let store = memory();
        let app = app(&store, config).await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        store.on_every_call_of(call, down());
        let logged = Logged::start();
        assert_eq!(browser.get(&app, path).await.status, 200, "{path}");
        let lines = lines(&logged);
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        for part in parts {
            assert!(lines[0].contains(part), "no {part:?} in: {}", lines[0]);
        }
    }
}

#[actix_web::test]
async fn a_conflict_has_one_whatever_on_gone_says() {
    for (on_gone, status) in [(OnGone::Error, 409), (OnGone::Drop, 200)] {
        let store = memory();
        let app = app(&store, SessionConfig::new().on_gone(on_gone)).await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let mut other = Browser::new();
        other.set_cookie("session", browser.cookie("session").expect("it was set"));
        let logged = Logged::start();
        let moment = Moment::After(Operation::Load);
        let slow = browser.get(&app, "/count");
        let (slow, _) = store.overtake(moment, slow, other.get(&app, "/purge")).await;
        assert_line(&slow, status, &logged, &["session not saved", "ended while this request ran"]);
    }
}

#[actix_web::test]
async fn two_sessions_that_fail_are_one_answer_with_one_line() {
    #[derive(Clone, sessions::SessionInterface)]
    #[session(cookie_name = "other")]
    struct Other {
        backend: Switched,
    }

    async fn both(
        inner: Session<AppSessions<Switched>>,
        outer: Session<Other>,
    ) -> actix_web::Result<&'static str> {
        inner.insert("a", 1)?;
        outer.insert("a", 1)?;
        Ok("never")
    }

    let (inner, fails_inner) = Switched::sessions(SessionConfig::new());
    let (outer, fails_outer) = Switched::sessions(SessionConfig::new());
    let outer = Other { backend: outer.backend };
    let app = App::new().wrap(inner).wrap(outer).default_service(web::to(both));
    let app = init_service(app).await;
    fails_inner.fail_save(true);
    fails_outer.fail_save(true);
    let logged = Logged::start();
    assert_line(&Browser::new().get(&app, "/").await, 503, &logged, &["session not saved"]);
}

#[actix_web::test]
async fn in_an_outage_each_kind_has_one_a_second_with_the_number_passed_over() {
    tokio::time::pause();
    let store = memory();
    let app = app(&store, SessionConfig::new()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    store.on_every_call(Fault::Fails(StoreError::Full));
    let logged = Logged::start();
    for second in 0..3 {
        for _ in 0..50 {
            assert_eq!(browser.get(&app, "/reads").await.status, 503);
            assert_eq!(Browser::new().get(&app, "/count").await.status, 503);
        }
        let mut lines = lines(&logged);
        lines.retain(|line| !line.starts_with("the session store fails"));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("session not opened: the session store is full"), "{lines:?}");
        assert!(lines[1].contains("session not saved: the session store is full"), "{lines:?}");
        let passed_over = "; 49 more of these since the last line";
        assert!(lines.iter().all(|line| line.contains(passed_over) == (second > 0)), "{lines:?}");
        advance(Duration::from_secs(1)).await;
    }
    // What is not of an outage is never passed over.
    store.mend();
    for _ in 0..5 {
        assert_eq!(Browser::new().get(&app, "/reserved").await.status, 500);
    }
    assert_eq!(lines(&logged).iter().filter(|line| line.contains("_started")).count(), 5);
}

#[actix_web::test]
async fn the_workers_of_a_server_share_that_second() {
    async fn log_in_on_eight_workers<B: sessions::backend::Backend + Clone>(backend: B) {
        let logged = Logged::start();
        let login = |session: Session| async move { session.set_owner(7).map(|()| "never") };
        for _ in 0..8 {
            let sessions = AppSessions { backend: backend.clone(), config: SessionConfig::new() };
            let app = init_service(App::new().wrap(sessions).default_service(web::to(login))).await;
            assert_eq!(Browser::new().get(&app, "/").await.status, 503);
        }
        let mut lines = lines(&logged);
        lines.retain(|line| !line.starts_with("the session store fails"));
        assert_eq!(lines.len(), 1, "{}: {lines:?}", std::any::type_name::<B>());
    }

    tokio::time::pause();
    let store = memory();
    store.on_every_call(Fault::Fails(StoreError::Full));
    log_in_on_eight_workers(ServerSide::new(store.clone())).await;
    log_in_on_eight_workers(AnyBackend::new(ServerSide::new(store.clone()))).await;
    log_in_on_eight_workers(SignedCookie::new(key(1)).revocable(store.clone())).await;
    log_in_on_eight_workers(EncryptedCookie::new(key(1)).revocable(store.clone())).await;
    let legacy =
        ActixSessionKey::from_bytes(&key_text(2).repeat(2).as_bytes()[..64]).expect("a key");
    let until = SystemTime::now() + Duration::from_secs(3_600);
    let import =
        ImportActixSession::new(ServerSide::new(store), ActixSession::private(legacy), until);
    log_in_on_eight_workers(import).await;
}

#[actix_web::test]
async fn a_request_that_asks_for_the_wrong_session_has_one_however_often_it_asks() {
    let asks =
        |_: Option<Session>, _: TrySession, _: Option<Session>, _: Session| async { "never" };
    let app = init_service(App::new().default_service(web::to(asks))).await;
    let logged = Logged::start();
    let parts = ["no session for this route", "path=\"/asks\""];
    assert_line(&Browser::new().get(&app, "/asks").await, 500, &logged, &parts);
}

#[actix_web::test]
async fn a_full_or_read_only_store_raises_the_alarm_and_sessions_are_still_read() {
    let refusals = || [StoreError::Full, StoreError::read_only(std::io::Error::other("replica"))];
    for refusal in refusals() {
        for (path, call) in [
            ("/count", Operation::Replace),
            ("/new", Operation::Create),
            ("/login", Operation::IndexAdd),
            ("/purge", Operation::DeleteIf),
        ] {
            let store = memory();
            let app = app(&store, SessionConfig::new()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/count").await;
            store.on_every_call_of(call, Fault::Fails(refusal.clone()));
            let logged = Logged::start();
            let is_alarm = |line: &String| line.starts_with("the session store fails");
            for n in 1..=7 {
                let answer = match path {
                    "/new" => Browser::new().get(&app, "/count").await,
                    path => browser.get(&app, path).await,
                };
                assert_eq!(answer.status, 503, "{path}");
                // A write of another kind that the store does changes nothing about that.
                let other = match path {
                    "/count" => Browser::new().get(&app, "/count").await,
                    _ => browser.get(&app, "/count").await,
                };
                assert_eq!(other.status, 200, "{path}");
                assert_eq!(browser.get(&app, "/reads").await.status, 200, "{path}");
                let alarms = lines(&logged).iter().filter(|line| is_alarm(line)).count();
                assert_eq!(alarms, usize::from(n == 5), "{path} {n}");
            }
            store.mend();
            browser.get(&app, "/login/count").await;
            Browser::new().get(&app, "/count").await;
            browser.get(&app, "/purge").await;
            let told = logged.take_own();
            let mended = told.iter().filter(|(_, text)| text.contains("takes writes again"));
            assert_eq!(mended.count(), 1, "{path}: {told:?}");
        }
    }
}

#[actix_web::test]
async fn a_store_that_is_full_now_and_then_raises_the_alarm_once_a_second() {
    tokio::time::pause();
    let store = memory();
    let app = app(&store, SessionConfig::new()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let logged = Logged::start();
    for second in 0..3 {
        for _ in 0..20 {
            store.on_every_call_of(Operation::Replace, Fault::Fails(StoreError::Full));
            for _ in 0..5 {
                assert_eq!(browser.get(&app, "/count").await.status, 503);
            }
            store.mend();
            assert_eq!(browser.get(&app, "/count").await.status, 200);
        }
        let told = logged.take_own();
        let lines = |part| told.iter().filter(|(_, text)| text.contains(part)).collect::<Vec<_>>();
        let (alarms, ends) = (lines("the session store fails"), lines("takes writes again"));
        assert_eq!((alarms.len(), ends.len()), (1, 1), "{told:?}");
        let passed_over = "; 19 more of these since the last line";
        assert_eq!(alarms[0].1.contains(passed_over), second > 0, "{alarms:?}");
        advance(Duration::from_secs(1)).await;
    }
}
