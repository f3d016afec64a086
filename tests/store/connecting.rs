//! Connecting: what is wrong with an address, and how often it is tried again.

use std::{
    io::ErrorKind,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sessions::{
    store::{Store, StoreError},
    test::store::random_key,
};
use sessions_redis::RedisStore;
use sessions_sqlx::{PostgresStore, SqliteStore};
use sessions_tests::Postgres;
use sqlx::{postgres::PgPoolOptions, sqlite::SqlitePoolOptions};

/// Returns an address that accepts connections and closes them, and the count of them.
fn closing() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (address, count) = (listener.local_addr().expect("a port"), Arc::<AtomicUsize>::default());
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (address.to_string(), count)
}

#[tokio::test]
async fn a_cluster_says_what_is_wrong_with_its_addresses() {
    let (address, _) = closing();
    let none = RedisStore::connect_cluster(Vec::<String>::new()).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidInput, "{none}");
    let wrong = RedisStore::connect_cluster(["http://localhost"]).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidInput, "{wrong}");
    let silent = RedisStore::connect_cluster([format!("redis://{address}")]).await.unwrap_err();
    assert_eq!(silent.kind(), ErrorKind::NotConnected, "{silent}");
}

#[tokio::test]
async fn a_wrong_url_of_postgres_is_invalid_input() {
    for url in ["localhost", ""] {
        let err = PostgresStore::connect(url).await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::InvalidInput, "{url}: {err}");
        assert!(err.to_string().contains("postgres://"), "{err}");
    }
}

#[tokio::test]
async fn a_redis_that_is_down_is_tried_a_few_times_a_second_whatever_the_requests() {
    let (address, tries) = closing();
    let store = RedisStore::new(format!("redis://{address}")).unwrap();
    let (start, mut requests) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(1) {
        assert!(store.load(&random_key(), None).await.is_err());
        requests += 1;
        tokio::task::yield_now().await;
    }
    let tries = tries.load(Ordering::SeqCst);
    println!("{requests} requests, {tries} attempts to connect");
    // After pauses of 20, 40, 80, 160 and then 250 ms it is about eight.
    assert!((2..=12).contains(&tries) && requests > 50, "{requests} requests, {tries} attempts");
}

#[tokio::test]
async fn a_store_shows_no_address() {
    let pool = PgPoolOptions::new().connect_lazy("postgres://ada:pass-word@db.example/app");
    let shown = format!("{:?}", PostgresStore::new(pool.unwrap()));
    assert!(!shown.contains("pass-word") && !shown.contains("db.example"), "{shown}");
}

#[test]
#[should_panic(expected = "runtime")]
fn a_sweeper_outside_of_a_runtime_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lazy = async { SqlitePoolOptions::new().connect_lazy("sqlite::memory:").unwrap() };
    let store = SqliteStore::new(runtime.block_on(lazy));
    drop(store.spawn_sweeper(Duration::from_secs(60)));
}

#[tokio::test]
async fn a_pool_for_sessions_has_ten_connections_and_gives_up_in_time() {
    let postgres = Postgres::new();
    let store = PostgresStore::connect(&postgres.url()).await.unwrap();
    let options = store.pool().options();
    assert_eq!(options.get_max_connections(), 10);
    // Making one may take longer than a call waits.
    assert_eq!(options.get_acquire_timeout(), Duration::from_secs(3));
    let asked = sqlx::query_scalar("SELECT current_setting('statement_timeout')");
    let statement: String = asked.fetch_one(store.pool()).await.unwrap();
    assert_eq!(statement, "250ms");
    let used = join_all((0..10).map(|_| store.pool().acquire())).await;
    assert!(used.iter().all(Result::is_ok), "{used:?}");
    let start = Instant::now();
    let refused = store.load(&random_key(), None).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoConnection { .. }), "{refused:?}");
    let waited = start.elapsed();
    assert!((200..1_200).contains(&waited.as_millis()), "{waited:?}");
}
