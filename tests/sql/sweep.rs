//! The sweep of the SQL stores, which looks for rows in an index that updates leave alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sessions::{
    store::{CreateOutcome, RecordKey, ReplaceOutcome, Revision, Store, Touch},
    test::store::{random_key, record},
};
use sessions_sqlx::{Dialect, PostgresStore, SqliteStore, SqlxStore};
use sessions_tests::{Postgres, is_full};
use sqlx::{
    AssertSqlSafe, PgPool, query, query_as, query_scalar, raw_sql, sqlite::SqlitePoolOptions,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

async fn create(store: &impl Store, ttl: Duration) -> (RecordKey, Revision) {
    let key = random_key();
    let created = store.create(&key, &record("{}"), ttl).await.expect("it answers");
    let CreateOutcome::Created(revision) = created else { panic!("{created:?}") };
    (key, revision)
}

async fn replace(store: &impl Store, key: &RecordKey, revision: Revision, ttl: Duration) {
    let replaced = store.replace(key, revision, &record("{}"), ttl).await.expect("it answers");
    assert!(matches!(replaced, ReplaceOutcome::Replaced(_)), "{replaced:?}");
}

async fn touch(store: &impl Store, key: &RecordKey, ttl: Duration) {
    let touch = Touch { ttl, interval: Duration::ZERO };
    let loaded = store.load(key, Some(touch)).await.expect("it answers").expect("it is there");
    assert!(loaded.touched);
}

async fn is_there(store: &impl Store, key: &RecordKey) -> bool {
    store.load(key, None).await.expect("it answers").is_some()
}

/// What became of records that were touched, replaced and created again, when the sweeper came.
///
/// `pass` lets a time pass, in milliseconds, for all that is in the table. `dues` returns when the
/// sweeper looks at each row, before the row expires: zero where it looks when the row expires.
async fn a_sweep_deletes_what_has_expired<DB: Dialect>(
    store: &SqlxStore<DB>,
    pass: impl AsyncFn(Duration),
    dues: impl AsyncFn() -> Vec<i64>,
) {
    let (touched, _) = create(store, MINUTE).await;
    touch(store, &touched, 2 * HOUR).await;
    let (longer, revision) = create(store, MINUTE).await;
    replace(store, &longer, revision, 2 * HOUR).await;
    let (shorter, revision) = create(store, 2 * HOUR).await;
    replace(store, &shorter, revision, MINUTE).await;
    let (untouched, _) = create(store, MINUTE).await;
    let (other, _) = create(store, 2 * HOUR).await;
    assert_eq!(dues().await.len(), 5);
    assert_eq!(store.sweep().await.expect("it answers"), 0);
    // The touched one and the longer one keep the time from before.
    let early = dues().await.into_iter().filter(|before| *before > 0).count();
    assert_eq!(early, 2);

    pass(2 * MINUTE).await;
    assert_eq!(store.sweep().await.expect("it answers"), 2, "the shorter and the untouched one");
    for key in [&touched, &longer, &other] {
        assert!(is_there(store, key).await, "swept before it has expired");
    }
    assert!(!is_there(store, &shorter).await && !is_there(store, &untouched).await);
    // The sweeper has looked at them, and comes again when they expire.
    assert_eq!(dues().await, [0, 0, 0]);

    // Expired and created again before a sweep.
    pass(2 * HOUR).await;
    let again = store.create(&touched, &record("{}"), HOUR).await.expect("it answers");
    assert!(matches!(again, CreateOutcome::Created(_)), "{again:?}");
    assert_eq!(dues().await.into_iter().filter(|before| *before != 0).count(), 0);
    assert_eq!(store.sweep().await.expect("it answers"), 2);
    assert!(is_there(store, &touched).await);
    pass(2 * HOUR).await;
    assert_eq!(store.sweep().await.expect("it answers"), 1);
    assert!(dues().await.is_empty());
}

const DUES: &str = "SELECT expires - sweep_after FROM sessions";

fn passing(time: Duration) -> AssertSqlSafe<String> {
    let by = time.as_millis();
    let pass =
        format!("UPDATE sessions SET expires = expires - {by}, sweep_after = sweep_after - {by}");
    AssertSqlSafe(pass)
}

#[tokio::test]
async fn a_sweep_of_sqlite_deletes_what_has_expired_and_nothing_before() {
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let store = SqliteStore::new(pool.connect("sqlite::memory:").await.unwrap());
    store.migrate().await.unwrap();
    let pool = store.pool();
    let pass = async |time| {
        query(passing(time)).execute(pool).await.expect("it is up");
    };
    let dues = async || query_scalar(DUES).fetch_all(pool).await.expect("it is up");
    a_sweep_deletes_what_has_expired(&store, pass, dues).await;
}

#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_sweep_of_postgres_deletes_what_has_expired_and_nothing_before() {
    let postgres = Postgres::new();
    let store = PostgresStore::new(PgPool::connect(&postgres.url()).await.unwrap());
    store.migrate().await.unwrap();
    let pool = store.pool();
    let pass = async |time| {
        query(passing(time)).execute(pool).await.expect("it is up");
    };
    let dues = async || query_scalar(DUES).fetch_all(pool).await.expect("it is up");
    a_sweep_deletes_what_has_expired(&store, pass, dues).await;
}

/// Rows that the sweeper looks at before it comes to the expired ones.
const LIVE: usize = 2_600;
const EXPIRED: u64 = 1_300;

/// Fills a table with live rows that were touched, and expired ones that are due after them. `key`
/// writes a random key.
async fn fill<DB: Dialect>(store: &SqlxStore<DB>, key: &str, run: impl AsyncFn(String)) {
    store.migrate().await.expect("the tables can be made");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_millis();
    let (expires, due) = (now + 3_600_000, now - 3_600_000);
    for (rows, expires, due) in [(LIVE as u64, expires, due), (EXPIRED, due + 1_000, due + 1_000)] {
        run(format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
             INSERT INTO sessions (key, revision, record, expires, sweep_after) \
             SELECT {key}, 1, {key}, {expires}, {due} FROM n"
        ))
        .await;
    }
}

/// However many live rows stand before the expired ones, no statement looks at more than 500 rows.
async fn a_sweep_goes_in_steps<DB: Dialect>(store: &SqlxStore<DB>, dues: Vec<i64>) {
    let mut steps = Vec::new();
    let swept = store.sweep_with(|deleted| steps.push(deleted)).await.expect("it answers");
    println!("{steps:?}");
    assert_eq!((swept, dues.len()), (EXPIRED, LIVE + 1_300));
    // Live rows alone, both kinds, expired ones alone, and none.
    assert_eq!(steps, [0, 0, 0, 0, 0, 400, 900, 1_300, 1_300]);
}

#[tokio::test]
async fn expired_rows_of_sqlite_behind_many_live_ones_are_swept_in_steps() {
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let store = SqliteStore::new(pool.connect("sqlite::memory:").await.unwrap());
    let run = async |statement| {
        query(AssertSqlSafe(statement)).execute(store.pool()).await.expect("it is up");
    };
    fill(&store, "randomblob(32)", run).await;
    let dues = query_scalar(DUES).fetch_all(store.pool()).await.unwrap();
    a_sweep_goes_in_steps(&store, dues).await;
    let dues: Vec<i64> = query_scalar(DUES).fetch_all(store.pool()).await.unwrap();
    assert_eq!(dues, vec![0; LIVE]);
}

#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn expired_rows_of_postgres_behind_many_live_ones_are_swept_in_steps() {
    let postgres = Postgres::new();
    let store = PostgresStore::new(PgPool::connect(&postgres.url()).await.unwrap());
    let run = async |statement| {
        query(AssertSqlSafe(statement)).execute(store.pool()).await.expect("it is up");
    };
    fill(&store, "sha256((i || random()::text)::bytea)", run).await;
    let dues = query_scalar(DUES).fetch_all(store.pool()).await.unwrap();
    a_sweep_goes_in_steps(&store, dues).await;
    let dues: Vec<i64> = query_scalar(DUES).fetch_all(store.pool()).await.unwrap();
    assert_eq!(dues, vec![0; LIVE]);
}

/// What a full disk says to the update of a live row.
#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_full_postgres_is_swept_behind_live_rows() {
    let postgres = Postgres::new();
    let store = PostgresStore::new(PgPool::connect(&postgres.url()).await.unwrap());
    let run = async |statement| {
        query(AssertSqlSafe(statement)).execute(store.pool()).await.expect("it is up");
    };
    fill(&store, "sha256((i || random()::text)::bytea)", run).await;
    raw_sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER full_disk BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION full_disk()",
    )
    .execute(store.pool())
    .await
    .unwrap();
    assert_eq!(store.sweep().await.expect("it answers"), EXPIRED);
}

/// Updates of each kind that need no new entries in the indexes.
#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn touches_and_replacements_in_postgres_leave_the_indexes_alone() {
    const ROUNDS: u32 = 20;

    let sessions = if is_full() { 1_000 } else { 200 };
    let postgres = Postgres::new();
    let store = PostgresStore::new(PgPool::connect(&postgres.url()).await.unwrap());
    store.migrate().await.unwrap();
    let mut kept = Vec::new();
    for _ in 0..sessions {
        kept.push(create(&store, HOUR).await);
    }
    let content = record(&format!("{{\"n\":\"{}\"}}", "x".repeat(200)));
    for round in 1..=ROUNDS {
        for (key, revision) in &mut kept {
            touch(&store, key, HOUR + round * MINUTE).await;
            let ttl = HOUR + round * MINUTE + MINUTE / 2;
            let replaced = store.replace(key, *revision, &content, ttl).await.unwrap();
            let ReplaceOutcome::Replaced(next) = replaced else { panic!("{replaced:?}") };
            *revision = next;
        }
    }
    let pool = store.pool();
    // A backend reports what it has counted when it ends, or within a second.
    pool.close().await;
    let pool = PgPool::connect(&postgres.url()).await.unwrap();
    let expected = i64::from(sessions) * i64::from(ROUNDS) * 2;
    let (updated, hot): (i64, i64) = loop {
        let counts =
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'";
        let counts: (i64, i64) = query_as(counts).fetch_one(&pool).await.unwrap();
        if counts.0 >= expected {
            break counts;
        }
    };
    let sizes: Vec<(String, i64)> = query_as(
        "SELECT indexrelname::text, pg_relation_size(indexrelid) FROM pg_stat_user_indexes \
         WHERE relname = 'sessions' UNION ALL SELECT 'the table', pg_relation_size('sessions')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    println!("{sessions} sessions: of {updated} updates {hot} are HOT; bytes: {sizes:?}");
    assert!(hot * 100 >= updated * 95, "{hot} of {updated}");
}
