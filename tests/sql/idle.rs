//! Connections that the server or a pooler ends while nobody uses them.

use std::time::Duration;

use futures_util::future::join_all;
use sessions::{
    store::{CreateOutcome, Store},
    test::store::{random_key, record},
};
use sessions_sqlx::PostgresStore;
use sessions_tests::{PgBouncer, PgBouncerVersion::Debian, Postgres};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions, query, raw_sql};
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3_600);

async fn fill(pool: &PgPool) {
    let most = pool.options().get_max_connections();
    let lent = join_all((0..most).map(|_| pool.acquire())).await;
    assert!(lent.iter().all(Result::is_ok), "{lent:?}");
}

/// Asks one after the other, so that each call meets a connection that was ended, and at once.
async fn assert_serves(store: &PostgresStore, idle: Duration) {
    let key = random_key();
    for first_writes in [false, true, false, true] {
        fill(store.pool()).await;
        sleep(idle).await;
        for number in 0..4 {
            if (number % 2 == 0) == first_writes {
                let created =
                    store.create(&random_key(), &record("{}"), HOUR).await.expect("it serves");
                assert!(matches!(created, CreateOutcome::Created(_)), "{created:?}");
            } else {
                assert!(store.load(&key, None).await.expect("it serves").is_none());
            }
        }
        fill(store.pool()).await;
        sleep(idle).await;
        let loads = join_all((0..10).map(|_| store.load(&key, None))).await;
        assert!(loads.iter().all(Result::is_ok), "{loads:?}");
    }
}

#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn connections_that_the_server_ends_when_idle_fail_no_call() {
    let postgres = Postgres::new();
    let admin = PgPool::connect(&postgres.url()).await.unwrap();
    let set = "ALTER ROLE postgres SET idle_session_timeout = '200ms'";
    query(set).execute(&admin).await.unwrap();
    let store = PostgresStore::connect(&postgres.url()).await.unwrap();
    let store = store.with_acquire_timeout(Duration::from_secs(3));
    store.migrate().await.unwrap();
    assert_serves(&store, Duration::from_millis(600)).await;
    // A pool that asks its connections itself.
    let pool = PgPoolOptions::new().max_connections(5).connect(&postgres.url()).await.unwrap();
    assert_serves(&PostgresStore::new(pool), Duration::from_millis(600)).await;
}

#[tokio::test]
#[ignore = "needs postgresql and pgbouncer: run scripts/test"]
async fn connections_that_a_pooler_ends_when_idle_fail_no_call() {
    let postgres = Postgres::new();
    for mode in ["pool_mode = session", "pool_mode = transaction"] {
        let settings = [mode, "client_idle_timeout = 1", "default_pool_size = 30"];
        let pooler = PgBouncer::before(&postgres, Debian, &settings);
        let store = PostgresStore::connect(&pooler.url()).await.unwrap();
        let store = store.with_acquire_timeout(Duration::from_secs(3)).in_transactions();
        store.migrate().await.unwrap();
        assert_serves(&store, Duration::from_millis(2_500)).await;
    }
}

/// Each of these ends a connection. The server says it once, when the table is read.
#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_read_whose_connection_is_ended_is_asked_once_more() {
    let postgres = Postgres::new();
    let store = PostgresStore::connect(&postgres.url()).await.unwrap();
    let store = store.with_acquire_timeout(Duration::from_secs(3));
    store.migrate().await.unwrap();
    let key = random_key();
    store.create(&key, &record("{}"), HOUR).await.unwrap();
    let once = "CREATE SEQUENCE asked; \
        CREATE FUNCTION fails_once(state text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ \
        BEGIN IF nextval('asked') = 1 THEN RAISE EXCEPTION 'ended' USING ERRCODE = state; END IF; \
        RETURN true; END $$; \
        ALTER TABLE sessions RENAME TO kept;";
    raw_sql(once).execute(store.pool()).await.unwrap();
    for state in ["57P01", "57P02", "57P03", "57P04", "57P05", "25P03"] {
        let view = format!(
            "ALTER SEQUENCE asked RESTART; \
             CREATE OR REPLACE VIEW sessions AS SELECT * FROM kept WHERE fails_once('{state}')"
        );
        raw_sql(AssertSqlSafe(view)).execute(store.pool()).await.unwrap();
        assert!(store.load(&key, None).await.unwrap().is_some(), "{state}");
    }
    // What says that the statement is wrong is not asked again.
    let view = "ALTER SEQUENCE asked RESTART; \
        CREATE OR REPLACE VIEW sessions AS SELECT * FROM kept WHERE fails_once('22000')";
    raw_sql(view).execute(store.pool()).await.unwrap();
    assert!(store.load(&key, None).await.is_err());
}
