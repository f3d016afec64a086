//! Wrong URLs and paths: an error at once that says what is expected, and never shows a password.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use sessions_redis::{Connection, RedisStore};
use sessions_sqlx::{PostgresStore, SqliteStore};

const SECRET: &str = "s3cr3t";

#[track_caller]
fn assert_refused<T>(result: io::Result<T>, url: &str, parts: &[&str]) {
    let Err(err) = result else { panic!("{url} is accepted") };
    assert_eq!(err.kind(), ErrorKind::InvalidInput, "{url}: {err}");
    let texts = [err.to_string(), format!("{err:?}")];
    for part in parts {
        assert!(texts[0].contains(part), "no {part:?} for {url:?}: {err}");
    }
    for text in texts {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[tokio::test]
async fn a_redis_store_says_which_urls_it_takes() {
    for url in [
        "",
        "localhost",
        "localhost:6379",
        "user:s3cr3t@localhost:6379",
        "mysql://user:s3cr3t@localhost/1",
        "postgres://user:s3cr3t@localhost/1",
        "http://localhost",
        "sqlite://sessions.db",
        "redis://",
        "redis:localhost",
        "redis://user:s3cr3t/x@localhost",
        "redis://user:s3cr3t#x@localhost",
        "redis://localhost/s3cr3t",
        "redis://user:s3cr3t@localhost:port",
        "://localhost",
    ] {
        let expected =
            &["`redis://[user:password@]host[:port][/database]`", "`rediss://", "`redis+unix://"];
        assert_refused(RedisStore::new(url), url, expected);
        assert_refused(RedisStore::connect(url).await, url, expected);
        assert_refused(RedisStore::connect_cluster([url]).await, url, expected);
        assert_refused(Connection::new(url), url, expected);
        assert_refused(RedisStore::new(url.to_owned()), url, expected);
    }
    for url in [
        "redis://localhost",
        "REDIS://localhost",
        "rediss://localhost",
        "valkey://user:s3cr3t@localhost:1/2",
        "redis+unix:///run/redis.sock",
    ] {
        let store = RedisStore::new(url).unwrap_or_else(|err| panic!("{url}: {err}"));
        assert!(!format!("{store:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn a_postgres_store_says_which_urls_it_takes() {
    let expected = "`postgres://[user[:password]@]host[:port]/database`";
    for (url, problem) in [
        ("", "it is empty"),
        ("localhost", "it has no scheme"),
        ("localhost/db", "it has no scheme"),
        ("user:s3cr3t@localhost/db", "it has no scheme"),
        ("postgres:db", "it has no scheme"),
        ("host=localhost password=s3cr3t", "it has no scheme"),
        ("mysql://user:s3cr3t@localhost/db", "it begins with `mysql://`"),
        ("MYSQL://user:s3cr3t@localhost/db", "it begins with `mysql://`"),
        ("redis://:s3cr3t@localhost", "it begins with `redis://`"),
        ("https://localhost", "it begins with `https://`"),
        ("sqlite://sessions.db", "`SqliteStore::open`"),
        ("postgres://user:s3cr3t@localhost:port/db", "port"),
        ("postgres://user:s3cr3t#x@localhost/db", "port"),
    ] {
        assert_refused(PostgresStore::connect(url).await, url, &[expected, problem]);
    }
}

#[tokio::test]
async fn every_scheme_of_postgres_is_taken_in_any_letter_case() {
    for scheme in ["postgres", "postgresql", "POSTGRES", "PostgreSQL"] {
        // Nothing listens on the port 1.
        let url = format!("{scheme}://user:s3cr3t@127.0.0.1:1/db");
        let err = PostgresStore::connect(&url).await.expect_err("no server");
        assert_eq!(err.kind(), ErrorKind::NotConnected, "{scheme}: {err}");
        assert!(!err.to_string().contains(SECRET), "{err}");
    }
}

#[tokio::test]
async fn a_store_whose_tables_are_not_there_says_so_at_start() {
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await.expect("a database in memory");
    let store = SqliteStore::new(pool);
    let err = store.ready().await.expect_err("no tables");
    assert_eq!(err.kind(), ErrorKind::NotConnected);
    assert!(err.to_string().contains("`SqlxStore::migrate` makes them"), "{err}");
    store.migrate().await.expect("they are made");
    store.ready().await.expect("they are there");
    store.pool().close().await;
    assert_eq!(store.ready().await.expect_err("it is closed").kind(), ErrorKind::NotConnected);
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_says_why_at_start() {
    let options = sqlx::postgres::PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
    // Nothing listens on the port 1.
    let pool = options.connect_lazy("postgres://user:s3cr3t@127.0.0.1:1/db").expect("a URL");
    let err = PostgresStore::new(pool).ready().await.expect_err("no server").to_string();
    assert!(err.contains("127.0.0.1:1") && err.contains("Connection refused"), "{err}");
    assert!(!err.contains(SECRET), "{err}");
}

#[tokio::test]
async fn an_sqlite_store_takes_a_path_and_says_so() {
    let expected = "expected one such as `sessions.db`";
    for (path, problem) in [
        ("", "it is empty"),
        (":memory:", "`MemoryStore`"),
        ("sqlite::memory:", "`MemoryStore`"),
        ("sqlite://sessions.db", "remove `sqlite://`"),
        ("SQLite://sessions.db?mode=rwc", "remove `sqlite://`"),
        ("sqlite:///var/lib/sessions.db", "remove `sqlite://`"),
        ("sqlite:sessions.db", "remove `sqlite:`"),
        ("file:sessions.db?mode=ro", "remove `file:`"),
        ("file:///tmp/sessions.db", "remove `file://`"),
        ("postgres://user:s3cr3t@localhost/db", "it is a URL"),
        ("mysql://user:s3cr3t@localhost/db", "it is a URL"),
    ] {
        assert_refused(SqliteStore::open(path).await, path, &[expected, problem]);
        assert!(path.is_empty() || !std::path::Path::new(path).exists(), "{path}");
    }
}
