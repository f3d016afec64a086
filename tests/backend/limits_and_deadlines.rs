//! How long a store may take and how much a session may hold: what is set, and what is not.

use std::{io, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, body::MessageBody, dev::ServiceResponse, http::StatusCode, test::init_service, web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SignedCookie,
    backend::{Backend, Revocation},
    store::{CreateOutcome, Store, StoreError},
    test::{
        Fault, FaultStore,
        store::{random_key, record},
    },
};
use sessions_tests::{AppSessions, Browser, Logged, key};
use tokio::time::Instant;
use tracing::Level;

async fn log_in(session: Session) -> actix_web::Result<&'static str> {
    session.set_owner(7)?;
    Ok("logged in")
}

async fn owner(session: Session) -> String {
    session.owner().unwrap_or_default()
}

async fn fill(session: Session, length: web::Path<usize>) -> actix_web::Result<&'static str> {
    session.insert("a", "x".repeat(*length))?;
    Ok("filled")
}

async fn app<B: Backend + Clone>(
    backend: B,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(AppSessions { backend, config: SessionConfig::new() })
            .route("/login", web::get().to(log_in))
            .route("/owner", web::get().to(owner))
            .route("/fill/{length}", web::get().to(fill)),
    )
    .await
}

/// Returns how long a request with a session took, in milliseconds, and its status, once the store does so.
async fn took<S, B>(app: &S, store: &FaultStore<MemoryStore>, fault: Fault) -> (u128, StatusCode)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut browser = Browser::new();
    assert_eq!(browser.get(app, "/login").await.status, StatusCode::OK);
    store.on_every_call(fault);
    let start = Instant::now();
    let answer = browser.get(app, "/owner").await;
    store.mend();
    (start.elapsed().as_millis(), answer.status)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn a_call_has_half_a_second_or_what_is_set() {
    let store = || FaultStore::new(MemoryStore::new());
    let signed = || SignedCookie::new(key(1));
    let (one, two, three, four) = (store(), store(), store(), store());
    let by_default = app(ServerSide::new(one.clone())).await;
    let shorter = app(ServerSide::new(two.clone()).with_call_deadline(ms(70))).await;
    let revocable = app(signed().revocable(three.clone())).await;
    let revocation = Revocation::new(four.clone()).with_call_deadline(ms(70));
    let revocable_sooner = app(signed().revocable(revocation)).await;
    for ((took, status), expected) in [
        (took(&by_default, &one, Fault::Hangs).await, 500),
        (took(&shorter, &two, Fault::Hangs).await, 70),
        (took(&revocable, &three, Fault::Hangs).await, 500),
        (took(&revocable_sooner, &four, Fault::Hangs).await, 70),
    ] {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!((expected..expected + 10).contains(&took), "{took} ms instead of {expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_has_what_is_set_for_all_of_its_calls() {
    let slow = || Fault::Delays(ms(60));
    let (one, two) = (FaultStore::new(MemoryStore::new()), FaultStore::new(MemoryStore::new()));
    let served = app(ServerSide::new(one.clone()).with_request_deadline(ms(100))).await;
    let cookies = app(SignedCookie::new(key(1))
        .revocable(Revocation::new(two.clone()).with_request_deadline(ms(40))))
    .await;
    let mut browser = Browser::new();
    one.on_every_call(slow());
    let start = Instant::now();
    // A login makes more than one call.
    let answer = browser.get(&served, "/login").await;
    assert!(answer.status.is_server_error(), "{}", answer.status);
    assert!((100..110).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

    let (took, status) = took(&cookies, &two, slow()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!((40..50).contains(&took), "{took} ms");
}

#[actix_web::test]
async fn a_session_holds_65536_bytes_of_json_unless_another_limit_is_set() {
    assert_eq!(ServerSide::<MemoryStore>::DEFAULT_MAX_PAYLOAD, 65_536);
    let app = app(ServerSide::new(MemoryStore::new())).await;
    // `{"a":""}` is 8 bytes.
    for (length, status) in [(65_528, StatusCode::OK), (65_529, StatusCode::INTERNAL_SERVER_ERROR)]
    {
        let answer = Browser::new().get(&app, &format!("/fill/{length}")).await;
        assert_eq!((answer.status, answer.cookie().is_some()), (status, status.is_success()));
    }
}

#[actix_web::test]
async fn a_store_in_memory_has_100000_places() {
    assert_eq!(MemoryStore::DEFAULT_CAPACITY, 100_000);
    let store = MemoryStore::new();
    let (visitor, hour) = (record("{}"), Duration::from_secs(3_600));
    for _ in 0..75_000 {
        let created = store.create(&random_key(), &visitor, hour).await.unwrap();
        assert!(matches!(created, CreateOutcome::Created(_)));
    }
    let refused = store.create(&random_key(), &visitor, hour).await;
    assert!(matches!(refused, Err(StoreError::Full)), "a quarter is for logins");
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_that_opens_says_so_at_level_error() {
    let store = FaultStore::new(MemoryStore::new());
    let app = app(ServerSide::new(store.clone())).await;
    let mut browser = Browser::new();
    browser.get(&app, "/login").await;
    let refused = StoreError::unavailable(io::Error::other("told to fail"));
    store.on_every_call(Fault::Fails(refused));
    let logged = Logged::start();
    for _ in 0..10 {
        browser.get(&app, "/owner").await;
    }
    let lines = logged.take_own();
    let alarms = lines.iter().filter(|(level, text)| {
        *level == Level::ERROR && text.starts_with("the session store fails")
    });
    assert_eq!(alarms.count(), 1, "{lines:?}");
}
