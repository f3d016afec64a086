//! Sessions in PostgreSQL behind PgBouncer, in each of the ways that are supported.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sessions::{
    store::{CreateOutcome, DeleteOutcome, ReplaceOutcome, Store, StoreError, Touch},
    test::store::{conformance, random_key, record},
};
use sessions_sqlx::PostgresStore;
use sessions_tests::{
    Logged, PgBouncer,
    PgBouncerVersion::{Built, Debian},
    Postgres, is_full,
};
use sqlx::{PgPool, Row, query, query_scalar, raw_sql};
use tracing::Level;

const HOUR: Duration = Duration::from_secs(3_600);
/// Clients of the pooler, which has three connections to the server for them.
const STORES: usize = 4;
const TASKS: usize = 3;
const POOL_SIZE: &str = "default_pool_size = 3";
/// Undoes what the page says.
const NO_LIMIT: &str = "ALTER ROLE postgres RESET statement_timeout";

/// What became of the calls of all clients.
#[derive(Debug, Default)]
struct Tally {
    calls: u32,
    failed: u32,
    /// Beyond the 250 ms of a statement, on a busy machine.
    late: u32,
    wrong: u32,
    read_after_delete: u32,
}

/// Makes, changes, reads and deletes sessions, each with content of its own.
async fn live(store: PostgresStore, task: usize, rounds: u32) -> Tally {
    let mut tally = Tally::default();
    for round in 0..rounds {
        if let Err(err) = a_life(&store, &format!("{task} {round}"), &mut tally).await {
            if matches!(err, StoreError::Timeout) {
                tally.late += 1;
                continue;
            }
            tally.failed += 1;
            if tally.failed == 1 {
                println!("task {task}: {}", err.with_causes());
            }
        }
    }
    tally
}

async fn a_life(store: &PostgresStore, tag: &str, tally: &mut Tally) -> Result<(), StoreError> {
    let key = random_key();
    let content = |n: u32| record(&format!("{{\"tag\":\"{tag}\",\"n\":{n}}}"));
    tally.calls += 1;
    let created = store.create(&key, &content(0), HOUR).await?;
    let CreateOutcome::Created(mut revision) = created else {
        tally.wrong += 1;
        return Ok(());
    };
    for n in 1..=3 {
        tally.calls += 2;
        let content = content(n);
        let replaced = store.replace(&key, revision, &content, HOUR).await?;
        match replaced {
            ReplaceOutcome::Replaced(next) => revision = next,
            _ => tally.wrong += 1,
        }
        let touch = Touch { ttl: 2 * HOUR, interval: HOUR };
        let loaded = store.load(&key, Some(touch)).await?;
        if loaded.is_none_or(|loaded| *loaded.record != content || loaded.revision != revision) {
            tally.wrong += 1;
        }
    }
    tally.calls += 2;
    if store.delete(&key).await? != DeleteOutcome::Deleted {
        tally.wrong += 1;
    }
    if store.load(&key, None).await?.is_some() {
        tally.read_after_delete += 1;
    }
    Ok(())
}

async fn under_load(name: &str, stores: Vec<PostgresStore>) -> Tally {
    let rounds = if is_full() { 150 } else { 15 };
    let start = Instant::now();
    let tasks = stores.into_iter().enumerate().flat_map(|(number, store)| {
        (0..TASKS).map(move |task| tokio::spawn(live(store.clone(), number * TASKS + task, rounds)))
    });
    let mut sum = Tally::default();
    for tally in join_all(tasks.collect::<Vec<_>>()).await {
        // A task that panics was answered with another client's rows.
        let tally = tally.unwrap_or(Tally { failed: 1, wrong: 1, ..Tally::default() });
        sum.calls += tally.calls;
        sum.failed += tally.failed;
        sum.late += tally.late;
        sum.wrong += tally.wrong;
        sum.read_after_delete += tally.read_after_delete;
    }
    println!("{name}: {sum:?}, in {:?}", start.elapsed());
    sum
}

fn assert_right(tally: &Tally) {
    assert!(tally.calls > 1_000 && tally.late * 100 < tally.calls, "{tally:?}");
    assert_eq!((tally.failed, tally.wrong, tally.read_after_delete), (0, 0, 0), "{tally:?}");
}

async fn stores(pooler: &PgBouncer) -> Vec<PostgresStore> {
    let mut stores = Vec::new();
    for _ in 0..STORES {
        // A busy machine takes longer than a call of sessions may.
        let store = PostgresStore::connect(&pooler.url()).await.expect("it is up");
        stores.push(store.with_acquire_timeout(Duration::from_secs(3)));
    }
    stores
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql and pgbouncer: run scripts/test"]
async fn behind_transaction_pooling_operations_in_transactions_are_right() {
    let postgres = Postgres::new();
    let pooler = PgBouncer::before(&postgres, Debian, &["pool_mode = transaction", POOL_SIZE]);
    let stores = stores(&pooler).await;
    let stores: Vec<_> = stores.into_iter().map(PostgresStore::in_transactions).collect();
    stores[0].migrate().await.unwrap();
    stores[0].ready().await.unwrap();
    assert_right(&under_load("1.18, transaction pooling, in transactions", stores.clone()).await);
    assert_eq!(stores[0].sweep().await.unwrap(), 0);
    // Nothing is left on the connections of the server.
    let left = raw_sql("SELECT count(*)::text FROM pg_prepared_statements");
    let left: String = left.fetch_one(stores[0].pool()).await.unwrap().get(0);
    assert_eq!(left, "0");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql and pgbouncer: run scripts/test"]
async fn behind_transaction_pooling_operations_in_transactions_keep_the_contract() {
    let postgres = Postgres::new();
    let pooler = PgBouncer::before(&postgres, Debian, &["pool_mode = transaction", POOL_SIZE]);
    let store = PostgresStore::connect(&pooler.url()).await.unwrap().in_transactions();
    store.migrate().await.unwrap();
    Box::pin(conformance(store.with_acquire_timeout(Duration::from_secs(3)))).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql and pgbouncer: run scripts/test"]
async fn behind_session_pooling_sessions_are_right() {
    let postgres = Postgres::new();
    // Each of the stores keeps up to ten connections.
    let settings = ["pool_mode = session", "default_pool_size = 60"];
    let pooler = PgBouncer::before(&postgres, Debian, &settings);
    let stores = stores(&pooler).await;
    stores[0].migrate().await.unwrap();
    assert_right(&under_load("1.18, session pooling", stores).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql and pgbouncer 1.24: run scripts/test"]
async fn behind_transaction_pooling_that_tracks_prepared_statements_sessions_are_right() {
    let postgres = Postgres::new();
    let settings = ["pool_mode = transaction", POOL_SIZE, "max_prepared_statements = 100"];
    let pooler = PgBouncer::before(&postgres, Built, &settings);
    let stores = stores(&pooler).await;
    stores[0].migrate().await.unwrap();
    let name = "1.24, transaction pooling, max_prepared_statements = 100";
    assert_right(&under_load(name, stores).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql and pgbouncer: run scripts/test"]
async fn behind_transaction_pooling_without_either_an_error_says_what_to_do() {
    let postgres = Postgres::new();
    let settings = ["pool_mode = transaction", "default_pool_size = 1"];
    let pooler = PgBouncer::before(&postgres, Debian, &settings);
    let stores = stores(&pooler).await;
    stores[0].migrate().await.unwrap();
    let key = random_key();
    let mut said = String::new();
    // Each store has prepared its statement as the first one, on the one connection of the server.
    for store in &stores {
        if let Err(err) = store.load(&key, None).await {
            said = err.with_causes().to_string();
        }
    }
    assert!(said.contains("`PostgresStore::in_transactions`"), "{said}");
    assert!(said.contains("max_prepared_statements"), "{said}");
}

/// What a store says while it connects, and the limit that its statements have.
async fn limit_through(pooler: &PgBouncer, logged: &Logged) -> (String, Vec<String>) {
    let store = PostgresStore::connect(&pooler.url()).await.expect("it is up");
    let warnings = logged.take_own().into_iter().filter(|(level, _)| *level == Level::WARN);
    let warnings = warnings.map(|(_, line)| line).collect();
    let limit = query_scalar("SELECT current_setting('statement_timeout')");
    (limit.fetch_one(store.pool()).await.expect("it is up"), warnings)
}

#[tokio::test]
#[ignore = "needs postgresql and pgbouncer 1.24: run scripts/test"]
async fn connect_works_through_a_pooler_and_warns_where_statements_have_no_limit() {
    let postgres = Postgres::new();
    let admin = PgPool::connect(&postgres.url()).await.unwrap();
    let logged = Logged::start();
    for version in [Debian, Built] {
        query(NO_LIMIT).execute(&admin).await.unwrap();
        let pooler = PgBouncer::before(&postgres, version, &[]);
        let (limit, warnings) = limit_through(&pooler, &logged).await;
        assert_eq!(limit, "0", "{version:?}");
        assert_eq!(warnings.len(), 1, "{version:?}: {warnings:?}");
        assert!(warnings[0].contains("ALTER ROLE … SET statement_timeout = '250ms'"));

        let set = "ALTER ROLE postgres SET statement_timeout = '250ms'";
        query(set).execute(&admin).await.unwrap();
        // A connection of the server that is there already has what it had.
        let pooler = PgBouncer::before(&postgres, version, &[]);
        let (limit, warnings) = limit_through(&pooler, &logged).await;
        assert_eq!((limit.as_str(), warnings), ("250ms", vec![]), "{version:?}");
    }
    // Directly, `connect` sets it.
    query(NO_LIMIT).execute(&admin).await.unwrap();
    let store = PostgresStore::connect(&postgres.url()).await.unwrap();
    let limit: String = query_scalar("SELECT current_setting('statement_timeout')")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(limit, "250ms");
    let lines = logged.take_own();
    assert!(lines.iter().all(|(level, _)| *level != Level::WARN), "{lines:?}");
}
