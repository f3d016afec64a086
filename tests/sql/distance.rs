//! A PostgreSQL server that is far away: which round trips work, with the deadlines of calls.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sessions::{
    store::{CreateOutcome, DeleteOutcome, ReplaceOutcome, Store},
    test::store::{random_key, record},
};
use sessions_sqlx::PostgresStore;
use sessions_tests::{Postgres, Proxy, is_full};
use sqlx::{postgres::PgPoolOptions, query};
use tokio::time::{sleep, timeout};

const HOUR: Duration = Duration::from_secs(3_600);
/// What the backend gives a call.
const DEADLINE: Duration = Duration::from_millis(500);

/// A request that logs in, reads and logs out. Returns how many of its calls failed.
async fn a_visit(store: &PostgresStore) -> (u32, u32) {
    let (key, content) = (random_key(), record("{}"));
    let created = timeout(DEADLINE, store.create(&key, &content, HOUR)).await;
    let Ok(Ok(CreateOutcome::Created(revision))) = created else { return (1, 1) };
    let loaded = timeout(DEADLINE, store.load(&key, None)).await;
    let replaced = timeout(DEADLINE, store.replace(&key, revision, &content, HOUR)).await;
    let deleted = timeout(DEADLINE, store.delete(&key)).await;
    let failed = [
        !matches!(loaded, Ok(Ok(Some(_)))),
        !matches!(replaced, Ok(Ok(ReplaceOutcome::Replaced(_)))),
        !matches!(deleted, Ok(Ok(DeleteOutcome::Deleted))),
    ];
    (4, failed.into_iter().map(u32::from).sum())
}

/// Counts the calls that fail until one visit succeeds, and those of the visits after it.
async fn visits(store: &PostgresStore) -> (u32, (u32, u32)) {
    let mut before = 0;
    for _ in 0..20 {
        let (_, failed) = a_visit(store).await;
        if failed == 0 {
            break;
        }
        before += failed;
        // As people do.
        sleep(Duration::from_millis(300)).await;
    }
    let mut after = (0, 0);
    for _ in 0..if is_full() { 20 } else { 5 } {
        let (calls, failed) = a_visit(store).await;
        after = (after.0 + calls, after.1 + failed);
    }
    (before, after)
}

fn port_of(proxy: &Proxy) -> String {
    format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_server_at_100_ms_serves_sessions_once_it_is_connected() {
    let postgres = Postgres::new();
    PostgresStore::connect(&postgres.url()).await.unwrap().migrate().await.unwrap();
    let proxy = Proxy::before(postgres.port());
    println!("round trip | calls failed until a visit succeeded | after it, of");
    for millis in [0, 20, 40, 80, 100, 120, 150, 200] {
        proxy.delay(Duration::from_millis(millis));
        let store = PostgresStore::connect(&port_of(&proxy)).await.unwrap();
        let (before, (calls, failed)) = visits(&store).await;
        println!("{millis} ms | {before} | {failed} of {calls}");
        // A busy machine may be late by itself.
        assert!(millis > 100 || failed * 4 <= calls, "{failed} of {calls} failed at {millis} ms");
        store.pool().close().await;
    }
}

/// The connection takes longer than a call waits, and longer than the call lives.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_connection_is_made_also_when_its_call_has_given_up() {
    let postgres = Postgres::new();
    PostgresStore::connect(&postgres.url()).await.unwrap().migrate().await.unwrap();
    let proxy = Proxy::before(postgres.port());
    proxy.delay(Duration::from_millis(400));
    let options = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = options.connect_lazy(&port_of(&proxy)).unwrap();
    let store = PostgresStore::new(pool).with_acquire_timeout(Duration::from_millis(100));
    let err = store.load(&random_key(), None).await.unwrap_err().with_causes().to_string();
    assert!(err.contains("is still being made"), "{err}");
    assert!(timeout(Duration::from_millis(10), store.load(&random_key(), None)).await.is_err());
    let made = async {
        while store.pool().num_idle() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), made).await.expect("it is made without a call");
    proxy.delay(Duration::ZERO);
    assert!(store.load(&random_key(), None).await.unwrap().is_none());
    // The one of the call, and the one that asked why there was none.
    assert!(proxy.accepted() <= 2, "{}", proxy.accepted());
    // More calls than connections wait for each other, and none is lost.
    let loads = join_all((0..20).map(|_| async {
        let patient = store.clone().with_acquire_timeout(Duration::from_secs(20));
        patient.load(&random_key(), None).await
    }));
    assert!(loads.await.iter().all(Result::is_ok));
}

/// More callers than connections: calls that gave up leave their turn to the others.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn calls_that_gave_up_take_no_turn_of_the_pool() {
    const CALLERS: usize = 25;
    const TIME: Duration = Duration::from_secs(4);
    let postgres = Postgres::new();
    PostgresStore::connect(&postgres.url()).await.unwrap().migrate().await.unwrap();
    let proxy = Proxy::before(postgres.port());
    let store = PostgresStore::connect(&port_of(&proxy)).await.unwrap();
    let pool = store.pool();
    let all = join_all((0..10).map(|_| pool.acquire())).await;
    assert!(all.iter().all(Result::is_ok));
    drop(all);
    proxy.delay(Duration::from_millis(100));
    let plain = within(CALLERS, TIME, async || {
        let Ok(mut connection) = pool.acquire().await else { return false };
        query("SELECT 1").execute(&mut *connection).await.is_ok()
    });
    let plain = plain.await;
    let answered = within(CALLERS, TIME, async || {
        matches!(timeout(DEADLINE, store.load(&random_key(), None)).await, Ok(Ok(None)))
    });
    let answered = answered.await;
    println!(
        "25 callers of 10 connections at 100 ms for 4 s: {answered} loads; a plain pool: {plain}"
    );
    assert!(answered * 2 > plain, "{answered} of {plain}");
}

/// Lets callers call for a time, and returns how many calls succeeded.
async fn within(callers: usize, time: Duration, call: impl AsyncFn() -> bool) -> u32 {
    let end = Instant::now() + time;
    let succeeded = join_all((0..callers).map(|_| async {
        let mut succeeded = 0;
        while Instant::now() < end {
            succeeded += u32::from(call().await);
        }
        succeeded
    }));
    succeeded.await.into_iter().sum()
}
