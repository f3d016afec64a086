//! Whether sessions can be served: asked by a program, and by health checks.

use std::{io, pin::pin, sync::Arc, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, body::MessageBody, dev::ServiceResponse, http::StatusCode, test::init_service, web,
};
use futures_util::{
    FutureExt,
    future::{join, join_all},
};
use serde::{Deserialize, Serialize};
use sessions::{
    AnyBackend, EncryptedCookie, HealthCheck, MemoryStore, ServerSide, Session, SessionConfig,
    SessionInterface, SignedCookie,
    backend::Backend,
    error::NotReady,
    flask::FlaskCookie,
    import::{ActixSession, ActixSessionKey, ImportActixSession},
    policy::OpenMode,
    store::{Store, StoreError},
    test::{Fault, FaultStore, Moment, Operation, TestClock},
};
use sessions_sqlx::PostgresStore;
use sessions_tests::{Answer, AppSessions, Browser, HookedStore, Logged, key, key_text};
use tokio::{net::TcpListener, time};
use tracing::Level;

type Faulty = FaultStore<MemoryStore>;

fn failing() -> Faulty {
    let store = FaultStore::new(MemoryStore::new());
    let refused = io::Error::other("cannot connect to kept.internal:1");
    store.on_every_call(Fault::Fails(StoreError::unavailable(refused)));
    store
}

fn over<B: Backend>(backend: B) -> AppSessions<B> {
    AppSessions { backend, config: SessionConfig::new() }
}

/// What the interface says, and its backend.
async fn asked<B: Backend>(backend: B) -> Result<(), String> {
    let sessions = over(backend);
    let by_backend = sessions.backend.ready().await.map_err(|err| err.to_string());
    assert_eq!(sessions.ready().await.map_err(|err| err.to_string()), by_backend);
    by_backend
}

#[actix_web::test]
async fn backends_without_a_store_are_ready_at_once() {
    let mut answers = vec![
        asked(SignedCookie::new(key(1))).await,
        asked(EncryptedCookie::new(key(1))).await,
        asked(FlaskCookie::new(key(1))).await,
        asked(SessionConfig::new().secret_key(key(1))).await,
        asked(AnyBackend::new(SignedCookie::new(key(1)))).await,
    ];
    answers.push(asked(ServerSide::new(MemoryStore::new())).await);
    for answer in answers {
        assert_eq!(answer, Ok(()));
    }
}

#[actix_web::test]
async fn every_backend_around_a_store_asks_it() {
    let until = TestClock::new().clock().now() + Duration::from_secs(86_400);
    let import = |backend: ServerSide<Faulty>| {
        let key = ActixSessionKey::from_bytes(key_text(9).repeat(2).as_bytes()).unwrap();
        ImportActixSession::new(backend, ActixSession::signed(key), until)
    };
    let kept = || ServerSide::new(failing());
    for answer in [
        asked(kept()).await,
        asked(kept().signed(key(1))).await,
        asked(ServerSide::new(Arc::new(failing()))).await,
        asked(ServerSide::new(HookedStore::new(failing(), |_, _| Box::pin(async { Ok(()) }))))
            .await,
        asked(SignedCookie::new(key(1)).revocable(failing())).await,
        asked(EncryptedCookie::new(key(1)).revocable(failing())).await,
        asked(AnyBackend::new(kept())).await,
        asked(import(kept())).await,
        asked(AnyBackend::new(import(kept()))).await,
    ] {
        let err = answer.expect_err("the store fails");
        assert_eq!(err, "the session store is not ready: cannot connect to kept.internal:1");
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Visit {
    count: u32,
}

#[derive(Clone, SessionInterface)]
#[session(data = Visit)]
struct Typed {
    backend: ServerSide<Faulty>,
}

#[actix_web::test]
async fn an_interface_with_a_typed_session_asks_its_store() {
    let store = FaultStore::new(MemoryStore::new());
    let sessions = Typed { backend: ServerSide::new(store.clone()) };
    sessions.ready().await.expect("it works");
    store.on_every_call_of(Operation::Ready, Fault::Fails(StoreError::Full));
    let err = sessions.ready().await.expect_err("it fails").to_string();
    assert_eq!(err, "the session store is not ready: the session store is full");
}

/// A store that says so itself.
#[actix_web::test]
async fn a_store_s_own_reason_is_one_line() {
    let err = NotReady::new("kept.internal evicts\nsessions").to_string();
    assert_eq!(err, "the session store is not ready: kept.internal evicts\\nsessions");
}

#[tokio::test(start_paused = true)]
async fn a_store_has_a_request_s_time_to_say_that_it_is_ready() {
    let store = FaultStore::new(MemoryStore::new());
    store.on_every_call(Fault::Hangs);
    let start = time::Instant::now();
    let err = asked(ServerSide::new(store.clone())).await.expect_err("it hangs");
    assert_eq!(
        err,
        "the session store is not ready: its server did not answer within 1000 ms; check that it runs, \
         that it is not overloaded, and that no firewall drops what is sent to it"
    );
    assert_eq!(start.elapsed().as_millis(), 2_000, "asked twice");
    let shorter = ServerSide::new(store).with_request_deadline(Duration::from_millis(70));
    let err = asked(shorter).await.expect_err("it hangs");
    assert!(err.contains("within 70 ms"), "{err}");
}

#[actix_web::test]
async fn a_server_that_does_not_answer_is_named_without_its_password() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let options = sqlx::postgres::PgPoolOptions::new().acquire_timeout(Duration::from_secs(9));
    let url = format!("postgres://user:s3cr3t@127.0.0.1:{port}/db");
    let store = PostgresStore::new(options.connect_lazy(&url).unwrap());
    let err = asked(ServerSide::new(store).with_request_deadline(Duration::from_millis(100)));
    let err = err.await.expect_err("it is silent");
    let said = format!("PostgreSQL at 127.0.0.1:{port} did not answer within 100 ms; ");
    assert!(err.contains(&said) && !err.contains("s3cr3t"), "{err}");
}

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

/// An application with a health check that strangers and one that operators reach.
async fn app<S: Store + Clone>(
    sessions: &AppSessions<ServerSide<S>>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let health = HealthCheck::new(sessions.clone());
    init_service(
        App::new()
            .wrap(sessions.clone())
            .route("/ready", web::get().to(health.clone()))
            .route("/why", web::get().to(health.with_reason()))
            .route("/count", web::get().to(count)),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn a_store_is_asked_while_its_circuit_is_open_and_its_answer_closes_it() {
    let store = failing();
    let sessions = over(ServerSide::new(store.clone()));
    let app = app(&sessions).await;
    let err = sessions.ready().await.expect_err("it fails").to_string();
    assert!(!err.contains("refused"), "{err}");
    let mut browser = Browser::new();
    for _ in 0..8 {
        browser.get(&app, "/count").await;
    }
    let calls = store.calls();
    let err = sessions.ready().await.expect_err("it fails").to_string();
    assert!(err.ends_with("; its last calls failed too, and requests that need it are refused at once, but for one in a second"), "{err}");
    assert_eq!(store.calls(), calls + 1);
    store.mend();
    assert_eq!(browser.get(&app, "/count").await.status, StatusCode::SERVICE_UNAVAILABLE);
    sessions.ready().await.expect("it is mended");
    assert_eq!(browser.get(&app, "/count").await.body, "1");
}

/// What every answer of a health check has.
fn assert_plain(answer: &Answer) {
    assert_eq!(answer.all("cache-control"), ["no-store"]);
    assert_eq!(answer.all("content-type"), ["text/plain; charset=utf-8"]);
    assert!(answer.all("vary").is_empty() && answer.cookies().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_health_check_tells_strangers_whether_and_the_log_why() {
    let store = FaultStore::new(MemoryStore::new());
    let sessions = over(ServerSide::new(store.clone()));
    let app = app(&sessions).await;
    let mut browser = Browser::new();
    let logged = Logged::start();
    let second = Duration::from_secs(1);
    let down = StoreError::unavailable(io::Error::other("cannot connect to kept.internal:1"));

    let ready = browser.get(&app, "/ready").await;
    assert_eq!((ready.status, &*ready.body), (StatusCode::OK, "ok\n"));
    assert_plain(&ready);
    assert_eq!(logged.take_own(), []);

    store.on_every_call(Fault::Fails(down));
    for _ in 0..3 {
        time::advance(second).await;
        let failed = browser.get(&app, "/ready").await;
        assert_eq!(
            (failed.status, &*failed.body),
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        );
        assert_plain(&failed);
    }
    let reason = "the session store is not ready: cannot connect to kept.internal:1";
    assert_eq!(logged.take_own(), [(Level::ERROR, format!("health checks fail: {reason}"))]);
    let failed = browser.get(&app, "/why").await;
    assert_eq!(
        (failed.status, &*failed.body),
        (StatusCode::SERVICE_UNAVAILABLE, &*format!("{reason}\n"))
    );
    assert_plain(&failed);

    store.mend();
    time::advance(second).await;
    assert_eq!(browser.get(&app, "/ready").await.status, StatusCode::OK);
    let again = "health checks succeed again: the session store is ready".to_owned();
    assert_eq!(logged.take_own(), [(Level::INFO, again)]);
}

#[tokio::test(start_paused = true)]
async fn probes_that_come_together_ask_once_and_the_answer_stands_for_a_second() {
    let store = FaultStore::new(MemoryStore::new());
    let sessions = over(ServerSide::new(store.clone()));
    let app = app(&sessions).await;
    let probe = async || Browser::new().get(&app, "/ready").await.status;
    let gate = store.hold(Moment::Before(Operation::Ready));
    let probes = join_all((0..100).map(|_| probe()));
    let opens = async {
        gate.reached().await;
        gate.open();
    };
    let (statuses, ()) = join(probes, opens).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(store.calls(), 1);
    time::advance(Duration::from_millis(990)).await;
    assert_eq!(probe().await, StatusCode::OK);
    assert_eq!(store.calls(), 1);
    time::advance(Duration::from_millis(10)).await;
    assert_eq!(probe().await, StatusCode::OK);
    assert_eq!(store.calls(), 2);
    assert!(store.inner().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_goes_away_leaves_its_question_to_the_next() {
    let store = FaultStore::new(MemoryStore::new());
    let sessions = over(ServerSide::new(store.clone()));
    let app = app(&sessions).await;
    store.on_call(1, Fault::Hangs);
    let (mut gone, mut next) = (Browser::new(), Browser::new());
    let goes = time::timeout(Duration::from_millis(100), gone.get(&app, "/ready"));
    let (gone, next) = join(goes, next.get(&app, "/ready")).await;
    assert!(gone.is_err());
    assert_eq!(next.status, StatusCode::OK);
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_worker_is_busy_keeps_no_other_waiting() {
    let store = FaultStore::new(MemoryStore::new());
    let sessions = over(ServerSide::new(store.clone()));
    let app = app(&sessions).await;
    store.on_call(1, Fault::Hangs);
    let (mut busy, mut other) = (Browser::new(), Browser::new());
    // It asks, and is not polled again: its worker computes.
    let mut busy = pin!(busy.get(&app, "/ready"));
    assert!(busy.as_mut().now_or_never().is_none());
    let start = time::Instant::now();
    assert_eq!(other.get(&app, "/ready").await.status, StatusCode::OK);
    assert!(start.elapsed() <= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(store.calls(), 2);
}

#[actix_web::test]
async fn a_health_check_opens_no_session_where_all_others_do() {
    let store = FaultStore::new(MemoryStore::new());
    let config = SessionConfig::new().open(OpenMode::Eager);
    let sessions = AppSessions { backend: ServerSide::new(store.clone()), config };
    let app = app(&sessions).await;
    let answer = Browser::new().get(&app, "/ready").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.cookies().is_empty());
    assert_eq!((store.calls(), store.calls_of(Operation::Ready)), (1, 1));
    assert!(store.inner().is_empty());
}
