//! Sessions in SQLite and PostgreSQL: their tables, their rows, and what is not in order.

use std::{fs, io, path::PathBuf, process, time::Duration};

use sessions::store::{
    CreateOutcome, DeleteOutcome, Loaded, Record, RecordKey, ReplaceOutcome, Revision, Store,
    StoreError, Touch,
};
use sessions_sqlx::{Dialect, PostgresStore, SqliteStore, SqlxStore};
use sessions_tests::Postgres;
use sqlx::{
    AssertSqlSafe, PgPool, SqlitePool, query, query_scalar, raw_sql, sqlite::SqlitePoolOptions,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn key(number: u8) -> RecordKey {
    RecordKey::from_bytes([number; 32])
}

fn record(json: &str) -> Record {
    let hash = "A".repeat(43);
    Record::from_bytes(format!("1 {hash} 0 0 3600 - - - -\n{json}").as_bytes())
        .expect("it is written like one")
}

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sessions-{name}-{}", process::id()));
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
    pool.connect("sqlite::memory:").await.expect("there is memory")
}

async fn migrated<DB: Dialect>(store: SqlxStore<DB>) -> SqlxStore<DB> {
    store.migrate().await.expect("the tables can be made");
    store
}

async fn found(store: &impl Store, key: &RecordKey) -> Loaded {
    store.load(key, None).await.expect("it answers").expect("there is a record")
}

async fn create(store: &impl Store, key: &RecordKey, json: &str) -> Revision {
    match store.create(key, &record(json), HOUR).await.expect("it answers") {
        CreateOutcome::Created(revision) => revision,
        CreateOutcome::Exists => panic!("there is a record already"),
    }
}

/// What every operation comes to, from the first to the last day of a record.
async fn a_life(store: &impl Store) -> Result<(), StoreError> {
    let key = key(1);
    assert_eq!(create(store, &key, r#"{"n":1}"#).await, Revision::FIRST);
    let again = store.create(&key, &record("{}"), HOUR).await?;
    assert_eq!(again, CreateOutcome::Exists);

    let next = store.replace(&key, Revision::FIRST, &record(r#"{"n":2}"#), HOUR).await?;
    let ReplaceOutcome::Replaced(second) = next else { panic!("{next:?}") };
    let old = store.replace(&key, Revision::FIRST, &record("{}"), HOUR).await?;
    assert_eq!(old, ReplaceOutcome::Conflict);
    let loaded = found(store, &key).await;
    assert_eq!((loaded.record, loaded.revision), (record(r#"{"n":2}"#), second));
    assert!(loaded.expires_in > HOUR / 2 && loaded.expires_in <= HOUR);

    let touch = Touch { ttl: HOUR * 2, interval: HOUR };
    let touched = store.load(&key, Some(touch)).await?.expect("there is a record");
    assert!(touched.touched && touched.expires_in > HOUR);
    assert_eq!(touched.revision, second);
    assert!(!store.load(&key, Some(touch)).await?.expect("there is a record").touched);

    assert_eq!(store.delete(&key).await?, DeleteOutcome::Deleted);
    assert_eq!(store.delete(&key).await?, DeleteOutcome::Absent);
    let gone = store.replace(&key, second, &record("{}"), HOUR).await?;
    assert_eq!(gone, ReplaceOutcome::Gone);
    assert!(store.load(&key, None).await?.is_none());
    Ok(())
}

#[actix_web::test]
async fn a_record_lives_and_ends_in_sqlite() {
    let folder = Folder::new("life");
    a_life(&SqliteStore::open(folder.file()).await.unwrap()).await.unwrap();
    a_life(&migrated(SqliteStore::new(in_memory().await)).await).await.unwrap();
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_record_lives_and_ends_in_postgres() {
    let postgres = Postgres::new();
    let pool = PgPool::connect(&postgres.url()).await.unwrap();
    a_life(&migrated(PostgresStore::new(pool)).await).await.unwrap();
}

#[actix_web::test]
async fn a_store_without_tables_says_how_to_make_them() {
    let store = SqliteStore::new(in_memory().await);
    let err = store.load(&key(1), None).await.unwrap_err();
    let StoreError::Unavailable { source } = err else { panic!("{err:?}") };
    assert_eq!(
        source.to_string(),
        "the tables of the sessions are not there; `SqlxStore::migrate` makes them"
    );
}

#[actix_web::test]
async fn a_record_above_the_limit_is_not_sent() {
    let store = migrated(SqliteStore::new(in_memory().await)).await.with_max_record(300);
    create(&store, &key(1), r#"{"n":1}"#).await;
    let long = record(&format!("{{\"n\":\"{}\"}}", "x".repeat(300)));
    let length = long.to_bytes().len();
    let created = store.create(&key(2), &long, HOUR).await.map(|_| ());
    let replaced = store.replace(&key(1), Revision::FIRST, &long, HOUR).await.map(|_| ());
    for refused in [created, replaced] {
        let Err(StoreError::TooLarge { length: said, limit: 300 }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(said, length);
    }
    assert_eq!(found(&store, &key(1)).await.record, record(r#"{"n":1}"#));
    assert!(store.load(&key(2), None).await.unwrap().is_none());
}

#[actix_web::test]
async fn a_name_that_is_none_is_refused() {
    let pool = in_memory().await;
    for name in ["", "1st", "a b", "a\"; DROP TABLE users; --", "app.sessions"] {
        let err = SqliteStore::new(pool.clone()).with_table(name).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidInput, "{name}");
    }
}

/// The statements that are printed make what the store works with, and know its name.
async fn printed_statements_are_enough(store: &SqliteStore) {
    raw_sql(AssertSqlSafe(store.migration())).execute(store.pool()).await.expect("it is SQL");
    a_life(store).await.expect("the tables are right");
    store.migrate().await.expect("it may be run again");
    a_life(store).await.expect("the tables are still right");
}

#[actix_web::test]
async fn printed_statements_make_the_tables() {
    let pool = in_memory().await;
    let store = SqliteStore::new(pool.clone());
    assert_eq!(store.migration(), include_str!("../sessions-sqlx/migrations/sqlite.sql"));
    printed_statements_are_enough(&store).await;
    // A keyword of SQL, and an ending of our own.
    for name in ["order", "sessions_ended"] {
        let store = SqliteStore::new(in_memory().await).with_table(name).unwrap();
        printed_statements_are_enough(&store).await;
    }
}

#[actix_web::test]
async fn two_tables_in_one_database_know_nothing_of_each_other() {
    let pool = in_memory().await;
    let one = migrated(SqliteStore::new(pool.clone())).await;
    let other = migrated(SqliteStore::new(pool).with_table("admin").unwrap()).await;
    create(&one, &key(1), "{}").await;
    assert!(other.load(&key(1), None).await.unwrap().is_none());
    create(&other, &key(1), "{}").await;
    one.delete(&key(1)).await.unwrap();
    found(&other, &key(1)).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn tables_may_be_in_a_schema_of_postgres() {
    let postgres = Postgres::new();
    let pool = PgPool::connect(&postgres.url()).await.unwrap();
    query("CREATE SCHEMA app").execute(&pool).await.unwrap();
    let plain = migrated(PostgresStore::new(pool.clone())).await;
    let inside = PostgresStore::new(pool.clone()).with_table("app.sessions").unwrap();
    let inside = migrated(migrated(inside).await).await;
    create(&inside, &key(1), "{}").await;
    assert!(plain.load(&key(1), None).await.unwrap().is_none());
    a_life(&plain).await.unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'app'";
    assert_eq!(query_scalar::<_, i64>(tables).fetch_one(&pool).await.unwrap(), 2);
    let indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'app'";
    assert_eq!(query_scalar::<_, i64>(indexes).fetch_one(&pool).await.unwrap(), 5);
}
