//! Sessions in SQLite and PostgreSQL keep the contract of a store; their tables, and what is in them.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use futures_util::future::{join, join_all};
use sessions::{
    store::{
        CreateOutcome, DeleteOutcome, Ended, OwnerKey, RecordKey, ReplaceOutcome, Revision, Store,
        StoreError, Timestamp, Touch,
    },
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

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

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

pub(crate) async fn in_memory() -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    // Asked whether it is alive, the connection would be closed when the caller is dropped.
    let pool = pool.test_before_acquire(false);
    pool.connect("sqlite::memory:").await.expect("there is memory")
}

pub(crate) async fn migrated<DB: Dialect>(store: SqlxStore<DB>) -> SqlxStore<DB> {
    store.migrate().await.expect("the tables can be made");
    store
}

async fn connect(postgres: &Postgres) -> PgPool {
    PgPool::connect(&postgres.url()).await.expect("it is up")
}

pub(crate) async fn create(store: &impl Store, json: &str) -> (RecordKey, Revision) {
    let key = random_key();
    (key, create_under(store, &key, json).await)
}

pub(crate) async fn create_under(store: &impl Store, key: &RecordKey, json: &str) -> Revision {
    let created = store.create(key, &record(json), HOUR).await.expect("it answers");
    let CreateOutcome::Created(revision) = created else { panic!("{created:?}") };
    revision
}

pub(crate) async fn knows(store: &impl Store, key: &RecordKey) -> bool {
    store.load(key, None).await.expect("it answers").is_some()
}

/// Touches every statement once.
pub(crate) async fn a_life(store: &impl Store) -> Result<(), StoreError> {
    let (key, alice) = (random_key(), owner_key("alice"));
    let created = store.create(&key, &record("{}"), HOUR).await?;
    let CreateOutcome::Created(revision) = created else { panic!("{created:?}") };
    let logged_in = record_of(alice, "{}");
    let replaced = store.replace(&key, revision, &logged_in, HOUR).await?;
    assert!(matches!(replaced, ReplaceOutcome::Replaced(_)), "{replaced:?}");
    assert!(store.load(&key, None).await?.is_some_and(|loaded| *loaded.record == logged_in));
    let owners = store.owners().expect("it finds sessions by their owner");
    assert_eq!(owners.keys(&alice).await?, [key]);
    let ended = owners.end_before(&alice, None, HOUR).await?;
    assert_eq!(owners.add(&alice, &key, HOUR).await?.ended_before, Some(ended.at));
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
    let (short, revision) = create(&store, r#"{"n":1}"#).await;
    let long = record(&format!("{{\"n\":\"{}\"}}", "x".repeat(300)));
    let length = long.to_bytes().len();
    let key = random_key();
    let created = store.create(&key, &long, HOUR).await.map(|_| ());
    let replaced = store.replace(&short, revision, &long, HOUR).await.map(|_| ());
    for refused in [created, replaced] {
        let Err(StoreError::TooLarge { length: said, limit: 300 }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(said, length);
    }
    let kept = store.load(&short, None).await.unwrap().unwrap();
    assert_eq!((kept.record.payload_len(), kept.revision), (7, revision));
    assert!(!knows(&store, &key).await);
}

#[actix_web::test]
async fn a_row_of_something_else_is_corrupt() {
    let store = migrated(SqliteStore::new(in_memory().await)).await;
    for record in ["'text'", "x'00ff'", "7"] {
        let key = random_key();
        let insert =
            format!("INSERT INTO sessions VALUES ($1, 1, {record}, NULL, 1 << 50, 1 << 50)");
        let insert = query(AssertSqlSafe(insert)).bind(key.as_bytes().to_vec());
        insert.execute(store.pool()).await.unwrap();
        let err = store.load(&key, None).await.unwrap_err();
        assert!(matches!(err, StoreError::Corrupt { .. }), "{record}: {err:?}");
    }
}

#[actix_web::test]
async fn an_expired_row_is_replaced_by_one_with_a_later_revision() {
    let store = migrated(SqliteStore::new(in_memory().await)).await;
    let (key, first) = create(&store, "{}").await;
    query("UPDATE sessions SET expires = 1").execute(store.pool()).await.unwrap();
    assert!(create_under(&store, &key, "{}").await.get() > first.get());
    let behind = "UPDATE sessions SET expires = 1, revision = 1";
    query(behind).execute(store.pool()).await.unwrap();
    assert!(create_under(&store, &key, "{}").await.get() > first.get());
    // A record that was replaced faster than time goes by, or before the clock was set back.
    let ahead = "UPDATE sessions SET expires = 1, revision = 1 << 60";
    query(ahead).execute(store.pool()).await.unwrap();
    assert_eq!(create_under(&store, &key, "{}").await, Revision::new((1 << 60) + 1));
}

/// Returns the time of the host, which is that of the servers too, in microseconds since 1970.
fn host_time() -> u64 {
    Timestamp::of(SystemTime::now()).get()
}

pub(crate) async fn times_are_the_present(store: &impl Store) {
    let (owners, owner) = (store.owners().expect("it finds sessions by their owner"), new_owner());
    // A rounded time may be the right one by chance.
    for _ in 0..20 {
        let before = host_time();
        let (key, revision) = create(store, "{}").await;
        let mut times = vec![revision.get()];
        for touch in [None, Some(Touch { ttl: HOUR, interval: Duration::ZERO })] {
            let loaded = store.load(&key, touch).await.expect("it answers");
            times.push(loaded.expect("it is there").now.get());
        }
        times.push(owners.state(&owner).await.expect("it answers").now.get());
        times.push(owners.add(&owner, &key, HOUR).await.expect("it answers").now.get());
        let ended = owners.end_before(&owner, None, HOUR).await;
        times.push(ended.expect("it answers").at.get());
        times.push(host_time());
        assert!(before <= times[0] && times.is_sorted(), "{before}, then {times:?}");
    }
}

#[actix_web::test]
async fn sqlite_answers_with_the_host_s_time() {
    times_are_the_present(&migrated(SqliteStore::new(in_memory().await)).await).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn postgres_answers_with_the_server_s_time() {
    let postgres = Postgres::new();
    times_are_the_present(&migrated(PostgresStore::new(connect(&postgres).await)).await).await;
}

pub(crate) fn new_owner() -> OwnerKey {
    owner_key(&random_key().to_string())
}

/// Ends sessions of an owner whose row is changed by `execute` in between.
pub(crate) async fn ends_follow_what_is_kept(
    store: &impl Store,
    execute: impl AsyncFn(&'static str),
) {
    const AHEAD: u64 = 1 << 60;
    let (owners, owner) = (store.owners().expect("it finds sessions by their owner"), new_owner());
    let end = async |up_to: Option<u64>| {
        let ended = owners.end_before(&owner, up_to.map(Timestamp::new), HOUR).await;
        let Ended { previous, at } = ended.expect("it answers");
        (previous.map(Timestamp::get), at.get())
    };
    let kept =
        async || owners.state(&owner).await.expect("it answers").ended_before.map(Timestamp::get);
    assert_eq!(end(Some(5)).await, (None, 5));
    assert_eq!(end(Some(7)).await, (Some(5), 7));
    assert_eq!(end(Some(6)).await, (Some(7), 7));
    // The clock was set back since.
    execute("UPDATE sessions_ended SET moment = 1152921504606846976").await;
    assert_eq!(end(None).await, (Some(AHEAD), AHEAD + 1));
    assert_eq!(end(Some(8)).await, (Some(AHEAD + 1), AHEAD + 1));
    assert_eq!(kept().await, Some(AHEAD + 1));
    // What has expired does not count.
    execute("UPDATE sessions_ended SET expires = 1").await;
    assert_eq!(kept().await, None);
    assert_eq!(end(Some(9)).await, (None, 9));
    execute("UPDATE sessions_ended SET moment = 1152921504606846976, expires = 1").await;
    let (previous, at) = end(None).await;
    assert!(previous.is_none() && at <= host_time(), "{previous:?} {at}");
    // An end is kept for the longest of its times.
    let ended = owners.end_before(&owner, None, Duration::from_millis(1)).await;
    assert_eq!(ended.expect("it answers").previous, Some(Timestamp::new(at)));
    sleep(Duration::from_millis(5)).await;
    assert!(kept().await > Some(at));
}

#[actix_web::test]
async fn ends_in_sqlite_follow_what_is_kept() {
    let store = migrated(SqliteStore::new(in_memory().await)).await;
    ends_follow_what_is_kept(&store, async |change| {
        query(change).execute(store.pool()).await.expect("it is a statement");
    })
    .await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn ends_in_postgres_follow_what_is_kept() {
    let postgres = Postgres::new();
    let store = migrated(PostgresStore::new(connect(&postgres).await)).await;
    ends_follow_what_is_kept(&store, async |change| {
        query(change).execute(store.pool()).await.expect("it is a statement");
    })
    .await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn an_end_that_waits_for_another_one_continues_from_it() {
    let postgres = Postgres::new();
    let pool = connect(&postgres).await;
    let store = migrated(PostgresStore::new(pool.clone())).await;
    let (owners, owner) = (store.owners().unwrap(), new_owner());
    let mut other = pool.begin().await.unwrap();
    query("INSERT INTO sessions_ended (owner, moment, expires) VALUES ($1, 1::bigint << 60, 1::bigint << 50)")
        .bind(owner.as_bytes().as_slice())
        .execute(&mut *other)
        .await
        .unwrap();
    let commit = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while query_scalar::<_, i64>(waiting).fetch_one(&pool).await.expect("it is up") == 0 {}
        other.commit().await.expect("it is up");
    };
    let (ended, ()) = join(owners.end_before(&owner, None, HOUR), commit).await;
    let moment = Timestamp::new(1 << 60);
    assert_eq!(ended.unwrap(), Ended { previous: Some(moment), at: moment.next() });
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
    let (key, _) = create(&one, "{}").await;
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
    let (key, _) = create(&inside, "{}").await;
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
