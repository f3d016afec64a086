//! What an error says of a PostgreSQL server that refuses: the cause, and what to do.

use std::{net::TcpListener, time::Duration};

use sessions::{
    store::{Store, StoreError},
    test::store::{random_key, record},
};
use sessions_sqlx::PostgresStore;
use sessions_tests::Postgres;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
    query, query_scalar, raw_sql,
};
use tokio::time::{sleep, timeout};

const HOUR: Duration = Duration::from_secs(3_600);

/// Returns what a read, a write and a health check say.
async fn said(store: &PostgresStore) -> Vec<String> {
    let key = random_key();
    let read = store.load(&key, None).await.map(|_| ());
    let written = store.create(&key, &record("{}"), HOUR).await.map(|_| ());
    let said = |answer: Result<(), StoreError>| {
        answer.expect_err("it must not answer").with_causes().to_string()
    };
    let ready = store.ready().await.expect_err("it is not ready").to_string();
    vec![said(read), said(written), ready]
}

fn assert_says(said: &[String], parts: &[&str]) {
    for line in said {
        println!("{line}");
        for part in parts {
            assert!(line.contains(part), "no `{part}` in: {line}");
        }
        assert!(!line.contains("s3cr3t"), "{line}");
    }
}

fn lazy(postgres: &Postgres, user: &str, database: &str) -> PostgresStore {
    let options: PgConnectOptions = postgres.url().parse().expect("a URL");
    let options = options.username(user).password("s3cr3t").database(database);
    PostgresStore::new(PgPoolOptions::new().connect_lazy_with(options))
}

async fn with_tables(postgres: &Postgres) -> PgPool {
    let admin = PgPool::connect(&postgres.url()).await.expect("it is up");
    PostgresStore::new(admin.clone()).migrate().await.expect("the tables can be made");
    admin
}

/// Closes a pool, and waits until the server has noticed.
async fn close(store: &PostgresStore, admin: &PgPool, role: &str) {
    store.pool().close().await;
    let closed = async {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1";
        while query_scalar::<_, i64>(count).bind(role).fetch_one(admin).await.expect("it is up") > 0
        {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), closed).await.expect("the server notices");
}

#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn too_few_connections_are_said() {
    let postgres = Postgres::new();
    let admin = with_tables(&postgres).await;
    raw_sql(
        "CREATE ROLE few LOGIN CONNECTION LIMIT 1; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, sessions_ended TO few",
    )
    .execute(&admin)
    .await
    .unwrap();
    let own = lazy(&postgres, "few", "postgres");
    assert!(own.load(&random_key(), None).await.unwrap().is_none());
    let other = lazy(&postgres, "few", "postgres");
    assert_says(
        &said(&other).await,
        &["PostgreSQL at 127.0.0.1:", "no connection left", "`CONNECTION LIMIT`", "too many conn"],
    );
    close(&own, &admin, "few").await;
    assert!(other.load(&random_key(), None).await.unwrap().is_none());
    close(&other, &admin, "few").await;
    // A pool that is merely busy has all the connections that the role may have.
    let options: PgConnectOptions = postgres.url().parse().unwrap();
    let pool = PgPoolOptions::new().max_connections(1);
    let busy = PostgresStore::new(pool.connect_lazy_with(options.username("few")))
        .with_acquire_timeout(Duration::from_secs(10));
    assert!(busy.load(&random_key(), None).await.unwrap().is_none());
    let used = busy.pool().acquire().await.unwrap();
    let released = async {
        // Longer than a call waits for a server that makes no connections.
        sleep(Duration::from_millis(600)).await;
        drop(used);
    };
    let (read, ()) = futures_util::future::join(busy.load(&random_key(), None), released).await;
    assert!(read.expect("there is a connection again").is_none());
    busy.pool().close().await;
    // A pool whose connections are all in use.
    let pool = PgPoolOptions::new().max_connections(1).connect(&postgres.url()).await.unwrap();
    let _used = pool.acquire().await.unwrap();
    let store = PostgresStore::new(pool).with_acquire_timeout(Duration::from_millis(250));
    assert_says(&said(&store).await, &["each of the pool's connections is in use"]);
}

#[tokio::test]
async fn a_server_that_is_down_is_said_by_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("postgres://user:s3cr3t@127.0.0.1:{port}/db");
    let store = PostgresStore::new(PgPoolOptions::new().connect_lazy(&url).unwrap());
    let place = format!("PostgreSQL at 127.0.0.1:{port}");
    assert_says(&said(&store).await, &[&place, "Connection refused"]);
}

#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn missing_tables_and_a_missing_schema_are_said() {
    let postgres = Postgres::new();
    let pool = PgPool::connect(&postgres.url()).await.unwrap();
    let store = PostgresStore::new(pool.clone());
    assert_says(&said(&store).await, &["the tables of the sessions are not there", "migrate"]);
    let store = store.with_table("nowhere.sessions").unwrap();
    assert_says(&said(&store).await, &["the tables of the sessions are not there", "migrate"]);
    let err = store.migrate().await.unwrap_err();
    let err = StoreError::unavailable(err).with_causes().to_string();
    assert!(err.contains("the schema of the sessions' tables does not exist; create it"), "{err}");
    // Tables of something else.
    raw_sql("CREATE TABLE other (key bytea); CREATE TABLE other_ended ()")
        .execute(&pool)
        .await
        .unwrap();
    let other = PostgresStore::new(pool).with_table("other").unwrap();
    assert_says(&said(&other).await, &["the tables have other columns", "`with_table`"]);
}

#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn missing_rights_are_said() {
    let postgres = Postgres::new();
    let admin = with_tables(&postgres).await;
    query("CREATE ROLE app LOGIN").execute(&admin).await.unwrap();
    let store = lazy(&postgres, "app", "postgres");
    assert_says(&said(&store).await, &["the role lacks a right; grant it SELECT, INSERT"]);
    // Only what a health check that reads does not need.
    raw_sql(
        "GRANT SELECT ON sessions TO app; GRANT SELECT, INSERT, UPDATE ON sessions_ended TO app",
    )
    .execute(&admin)
    .await
    .unwrap();
    let err = store.ready().await.unwrap_err().to_string();
    println!("{err}");
    for missing in [r#"INSERT on "sessions""#, r#"DELETE on "sessions_ended""#] {
        assert!(err.contains(missing), "{err}");
    }
    assert!(!err.contains(r#"SELECT on "sessions""#), "{err}");
    raw_sql("GRANT ALL ON sessions, sessions_ended TO app").execute(&admin).await.unwrap();
    store.ready().await.unwrap();
    // For `migrate`, in a schema of its own.
    query("CREATE SCHEMA kept").execute(&admin).await.unwrap();
    let err = store.with_table("kept.sessions").unwrap().migrate().await.unwrap_err();
    let err = StoreError::unavailable(err).with_causes().to_string();
    assert!(err.contains("CREATE on it"), "{err}");
}

#[tokio::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_wrong_password_and_a_wrong_database_are_said() {
    let postgres = Postgres::new();
    let admin = with_tables(&postgres).await;
    raw_sql("SET password_encryption = 'scram-sha-256'; CREATE ROLE app LOGIN PASSWORD 'other'")
        .execute(&admin)
        .await
        .unwrap();
    let file: String = query_scalar("SHOW hba_file").fetch_one(&admin).await.unwrap();
    let rules = "host all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";
    std::fs::write(file, rules).unwrap();
    query("SELECT pg_reload_conf()").execute(&admin).await.unwrap();
    let refused = "the server refuses the user; check user and password of the URL";
    // The server reads its rules a moment later.
    while lazy(&postgres, "app", "postgres").load(&random_key(), None).await.is_ok() {}
    let store = lazy(&postgres, "app", "postgres");
    assert_says(&said(&store).await, &["PostgreSQL at 127.0.0.1:", refused]);
    let url = postgres.url().replace("postgres@", "app:s3cr3t@");
    let err = PostgresStore::connect(&url).await.unwrap_err().to_string();
    assert_says(&[err], &["cannot connect to PostgreSQL at 127.0.0.1:", refused]);

    let store = lazy(&postgres, "postgres", "elsewhere");
    assert_says(&said(&store).await, &["PostgreSQL at 127.0.0.1:", "the database does not exist"]);
    let url = format!("postgres://postgres@127.0.0.1:{}/elsewhere", postgres.port());
    let err = PostgresStore::connect(&url).await.unwrap_err().to_string();
    assert_says(&[err], &["cannot connect to", "the database does not exist"]);
}
