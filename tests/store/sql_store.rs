//! Sessions in SQLite and PostgreSQL keep the contract of a store; their tables, and what is in them.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures_util::future::{join, join_all};
use sessions::{
    store::{CreateOutcome, DeleteOutcome, RecordKey, ReplaceOutcome, Revision, Store, StoreError},
    test::store::{conformance, conformance_when_full, owner_key, random_key, record, record_of},
};
use sessions_sqlx::{Dialect, PostgresStore, SqliteStore, SqlxStore};
use sessions_tests::{Postgres, reliability::every_history_has_an_order};
use sqlx::{
    AssertSqlSafe, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    query, query_scalar, raw_sql,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3_600);

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sessions-sql-{}-{number}", process::id()));
        fs::create_dir(&folder).expect("a folder in the temporary one");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("sessions.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn in_memory() -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    // Asked whether it is alive, the connection would be closed when the caller is dropped.
    let pool = pool.test_before_acquire(false);
    pool.connect("sqlite::memory:").await.expect("there is memory")
}

async fn migrated<DB: Dialect>(store: SqlxStore<DB>) -> SqlxStore<DB> {
    store.migrate().await.expect("the tables can be made");
    store
}

async fn connect(postgres: &Postgres) -> PgPool {
    PgPool::connect(&postgres.url()).await.expect("it is up")
}

async fn create(store: &impl Store, json: &str) -> RecordKey {
    let key = random_key();
    let created = store.create(&key, &record(json), HOUR).await.expect("it answers");
    assert_eq!(created, CreateOutcome::Created(Revision::FIRST));
    key
}

async fn knows(store: &impl Store, key: &RecordKey) -> bool {
    store.load(key, None).await.expect("it answers").is_some()
}

/// Touches every statement once.
async fn a_life(store: &impl Store) -> Result<(), StoreError> {
    let (key, alice) = (random_key(), owner_key("alice"));
    store.create(&key, &record("{}"), HOUR).await?;
    let logged_in = record_of(alice, "{}");
    let replaced = store.replace(&key, Revision::FIRST, &logged_in, HOUR).await?;
    assert!(matches!(replaced, ReplaceOutcome::Replaced(_)), "{replaced:?}");
    assert!(store.load(&key, None).await?.is_some_and(|loaded| loaded.record == logged_in));
    let owners = store.owners().expect("it finds sessions by their owner");
    assert_eq!(owners.keys(&alice).await?, [key]);
    assert_eq!(store.delete(&key).await?, DeleteOutcome::Deleted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    let folder = Folder::new();
    conformance(SqliteStore::open(folder.file()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_history_of_sqlite_has_an_order() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).await.unwrap();
    every_history_has_an_order("sqlite", store).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn every_history_of_postgres_has_an_order() {
    let postgres = Postgres::new();
    let store = migrated(PostgresStore::new(connect(&postgres).await)).await;
    every_history_has_an_order("postgres", store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_memory_keeps_the_contract() {
    conformance(migrated(SqliteStore::new(in_memory().await)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_without_a_write_ahead_log_keeps_the_contract() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new()
        .filename(folder.file())
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Off);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    conformance(migrated(SqliteStore::new(pool)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract_when_full() {
    let folder = Folder::new();
    SqliteStore::open(folder.file()).await.unwrap().pool().close().await;
    let options = SqliteConnectOptions::new()
        .filename(folder.file())
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("max_page_count", "300");
    let pool = SqlitePool::connect_with(options).await.unwrap();
    conformance_when_full(SqliteStore::new(pool)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn postgres_keeps_the_contract() {
    let postgres = Postgres::new();
    Box::pin(conformance(migrated(PostgresStore::new(connect(&postgres).await)).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn postgres_keeps_the_contract_through_one_connection() {
    let postgres = Postgres::new();
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect(&postgres.url()).await.unwrap();
    Box::pin(conformance(migrated(PostgresStore::new(pool)).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn postgres_keeps_the_contract_when_its_transactions_are_serializable() {
    let postgres = Postgres::new();
    let options: PgConnectOptions = postgres.url().parse().unwrap();
    let options = options.options([("default_transaction_isolation", "serializable")]);
    let pool = PgPool::connect_with(options).await.unwrap();
    Box::pin(conformance(migrated(PostgresStore::new(pool)).await)).await;
}

#[actix_web::test]
async fn a_store_without_tables_says_how_to_make_them() {
    let store = SqliteStore::new(in_memory().await);
    let err = store.load(&random_key(), None).await.unwrap_err();
    let StoreError::Unavailable { source } = err else { panic!("{err:?}") };
    assert_eq!(
        source.to_string(),
        "the tables of the sessions are not there; `SqlxStore::migrate` makes them"
    );
}

#[actix_web::test]
async fn a_record_above_the_limit_is_not_sent() {
    let store = migrated(SqliteStore::new(in_memory().await)).await.with_max_record(300);
    let short = create(&store, r#"{"n":1}"#).await;
    let long = record(&format!("{{\"n\":\"{}\"}}", "x".repeat(300)));
    let length = long.to_bytes().len();
    let key = random_key();
    let created = store.create(&key, &long, HOUR).await.map(|_| ());
    let replaced = store.replace(&short, Revision::FIRST, &long, HOUR).await.map(|_| ());
    for refused in [created, replaced] {
        let Err(StoreError::TooLarge { length: said, limit: 300 }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(said, length);
    }
    let kept = store.load(&short, None).await.unwrap().unwrap();
    assert_eq!((kept.record.payload_len(), kept.revision), (7, Revision::FIRST));
    assert!(!knows(&store, &key).await);
}

#[actix_web::test]
async fn a_row_of_something_else_is_corrupt() {
    let store = migrated(SqliteStore::new(in_memory().await)).await;
    for record in ["'text'", "x'00ff'", "7"] {
        let key = random_key();
        let insert = format!("INSERT INTO sessions VALUES ($1, 1, {record}, NULL, 1 << 50)");
        let insert = query(AssertSqlSafe(insert)).bind(key.as_bytes().to_vec());
        insert.execute(store.pool()).await.unwrap();
        let err = store.load(&key, None).await.unwrap_err();
        assert!(matches!(err, StoreError::Corrupt { .. }), "{record}: {err:?}");
    }
}

#[actix_web::test]
async fn an_expired_row_is_replaced_by_one_with_a_later_revision() {
    let store = migrated(SqliteStore::new(in_memory().await)).await;
    let key = create(&store, "{}").await;
    query("UPDATE sessions SET expires = 1").execute(store.pool()).await.unwrap();
    let created = store.create(&key, &record("{}"), HOUR).await.unwrap();
    assert_eq!(created, CreateOutcome::Created(Revision::new(2)));
}

#[actix_web::test]
async fn a_name_that_is_none_is_refused() {
    let pool = in_memory().await;
    for name in ["", "1st", "a b", "a\"; DROP TABLE users; --", "app.sessions"] {
        let err = SqliteStore::new(pool.clone()).with_table(name).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidInput, "{name}");
    }
}

#[actix_web::test]
async fn printed_statements_make_the_tables() {
    let store = SqliteStore::new(in_memory().await);
    assert_eq!(store.migration(), include_str!("../../sessions-sqlx/migrations/sqlite.sql"));
    // A keyword of SQL, and an ending of our own.
    for name in ["sessions", "order", "sessions_ended"] {
        let store = SqliteStore::new(in_memory().await).with_table(name).unwrap();
        raw_sql(AssertSqlSafe(store.migration())).execute(store.pool()).await.unwrap();
        a_life(&store).await.unwrap();
        a_life(&migrated(store).await).await.unwrap();
    }
}

#[actix_web::test]
async fn two_tables_in_one_database_know_nothing_of_each_other() {
    let pool = in_memory().await;
    let one = migrated(SqliteStore::new(pool.clone())).await;
    let other = migrated(SqliteStore::new(pool).with_table("admin").unwrap()).await;
    let key = create(&one, "{}").await;
    assert!(!knows(&other, &key).await);
    other.create(&key, &record("{}"), HOUR).await.unwrap();
    one.delete(&key).await.unwrap();
    assert!(knows(&other, &key).await);
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn tables_may_be_in_a_schema_of_postgres() {
    let postgres = Postgres::new();
    let pool = connect(&postgres).await;
    query("CREATE SCHEMA app").execute(&pool).await.unwrap();
    let plain = migrated(PostgresStore::new(pool.clone())).await;
    assert_eq!(plain.migration(), include_str!("../../sessions-sqlx/migrations/postgres.sql"));
    let inside = PostgresStore::new(pool.clone()).with_table("app.sessions").unwrap();
    let inside = migrated(migrated(inside).await).await;
    let key = create(&inside, "{}").await;
    assert!(!knows(&plain, &key).await);
    a_life(&plain).await.unwrap();
    a_life(&inside).await.unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'app'";
    assert_eq!(query_scalar::<_, i64>(tables).fetch_one(&pool).await.unwrap(), 2);
    let indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'app'";
    assert_eq!(query_scalar::<_, i64>(indexes).fetch_one(&pool).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_sqlite_can_be_opened_by_many_at_once_and_is_private() {
    let folder = Folder::new();
    let stores = join_all((0..8).map(|_| SqliteStore::open(folder.file()))).await;
    for store in stores {
        a_life(&store.unwrap()).await.unwrap();
    }
    for file in fs::read_dir(&folder.0).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[actix_web::test]
async fn a_file_that_is_no_database_is_an_error() {
    let folder = Folder::new();
    fs::write(folder.file(), "a letter to my grandmother, which is long enough for a header")
        .unwrap();
    let err = SqliteStore::open(folder.file()).await.unwrap_err();
    assert!(err.to_string().contains("file is not a database"), "{err}");
    assert!(SqliteStore::open(folder.0.join("not/here")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn many_instances_make_the_tables_at_once() {
    let postgres = Postgres::new();
    let pool = connect(&postgres).await;
    // Another one that takes longer than their statements may.
    let mut slow = pool.begin().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(x'73657373696f6e73'::bigint)";
    query(lock).execute(&mut *slow).await.unwrap();
    let instances = (0..16).map(|_| async {
        let options: PgConnectOptions = postgres.url().parse().expect("a URL");
        let options = options.options([("statement_timeout", "200ms")]);
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await;
        PostgresStore::new(pool.expect("it is up")).migrate().await
    });
    let slow = async {
        sleep(Duration::from_millis(400)).await;
        slow.commit().await.expect("it is up");
    };
    let (made, ()) = join(join_all(instances), slow).await;
    for made in made {
        made.unwrap();
    }
    a_life(&PostgresStore::new(pool)).await.unwrap();
}
