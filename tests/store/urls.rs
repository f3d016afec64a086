//! Wrong URLs and paths: an error at once that says what is expected, and never shows a password.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use sessions::store::Store as _;
use sessions_redis::{Connection, RedisStore};
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};

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
        ("postgres://user:s3cr3t#x@localhost/db", MISREAD),
        ("postgres://localhost/db?pasword=s3cr3t", "unknown parameter `pasword`"),
        ("postgres://localhost/db?=s3cr3t", "unknown parameter ``"),
        ("postgres://localhost/db?ssl%0Amode=s3cr3t", "unknown parameter `ssl\\nmode`"),
        ("postgres://localhost/db?options[x=s3cr3t", "unknown parameter `options[x`"),
        ("postgres://localhost/db?sslmode=disable&Password=s3cr3t", "parameter `Password`"),
    ] {
        assert_refused(PostgresStore::connect(url).await, url, &[expected, problem]);
    }
}

#[tokio::test]
async fn a_mysql_store_says_which_urls_it_takes() {
    let expected = "`mysql://[user[:password]@]host[:port]/database`";
    for (url, problem) in [
        ("", "it is empty"),
        ("localhost/db", "it has no scheme"),
        ("user:s3cr3t@localhost/db", "it has no scheme"),
        ("postgres://user:s3cr3t@localhost/db", "it begins with `postgres://`"),
        ("redis://:s3cr3t@localhost", "it begins with `redis://`"),
        ("sqlite://sessions.db", "`SqliteStore::open`"),
        ("mysql://user:s3cr3t@localhost:port/db", "port"),
        ("mysql://user:s3cr3t@localhost", "it names no database"),
        ("mariadb://user:s3cr3t@localhost/", "it names no database"),
        ("mysql://user:s3cr3t#x@localhost/db", MISREAD),
        ("mysql://localhost/db?pasword=s3cr3t", "unknown parameter `pasword`"),
        ("mysql://localhost/db?ssl_mode=s3cr3t", "unknown parameter `ssl_mode`"),
        ("mysql://localhost/db?ssl-mode=often", "the MySQL URL is invalid"),
    ] {
        assert_refused(MySqlStore::connect(url).await, url, &[expected, problem]);
    }
    for parameter in [
        "sslmode=disabled",
        "ssl-mode=preferred",
        "sslca=a&ssl-mode=disabled",
        "ssl-ca=a&ssl-mode=disabled",
        "sslcert=a&ssl-mode=disabled",
        "ssl-cert=a&ssl-mode=disabled",
        "sslkey=a&ssl-mode=disabled",
        "ssl-key=a&ssl-mode=disabled",
        "charset=utf8mb4",
        "collation=utf8mb4_bin",
        "statement-cache-capacity=1",
        "socket=/no/such/socket",
        "timezone=%2B00:00",
        "time-zone=%2B00:00",
    ] {
        for scheme in ["mysql", "MariaDB"] {
            // Nothing listens on the port 1.
            let url = format!("{scheme}://user:s3cr3t@127.0.0.1:1/db?{parameter}");
            let err = MySqlStore::connect(&url).await.expect_err("no server");
            assert_eq!(err.kind(), ErrorKind::NotConnected, "{parameter}: {err}");
            assert!(!err.to_string().contains(SECRET), "{err}");
        }
    }
}

/// The advice for a password that the parser would take for the end of the host.
const MISREAD: &str = "the user or password has a character that must be percent-encoded";

#[tokio::test]
async fn a_password_that_is_not_percent_encoded_is_not_read_as_a_host() {
    // Nothing of these is shown: `4711` is the beginning of the password.
    let assert_hidden = |result: io::Result<()>, url: &str| {
        let err = result.expect_err(url);
        assert_eq!(err.kind(), ErrorKind::InvalidInput, "{url}: {err}");
        let text = format!("{err} {err:?}");
        assert!(text.contains(MISREAD), "{url}: {text}");
        for part in ["alice", "4711", SECRET, "db.example"] {
            assert!(!text.contains(part), "{url}: {text}");
        }
    };
    for rest in [
        "alice:4711#s3cr3t@db.example/1",
        "alice:4711?s3cr3t@db.example/1",
        "alice:4711/s3cr3t@db.example/1",
        "alice:4711?s3cr3t=x@db.example/1",
        "alice:p@4711/s3cr3t@db.example/1",
        "alice/4711:s3cr3t@db.example/1",
        ":4711#s3cr3t@db.example",
        "alice:4711#",
        "db.example/1#s3cr3t",
    ] {
        let url = format!("postgres://{rest}");
        assert_hidden(PostgresStore::connect(&url).await.map(drop), &url);
        for scheme in ["redis", "rediss", "valkey"] {
            let url = format!("{scheme}://{rest}");
            assert_hidden(RedisStore::new(&*url).map(drop), &url);
            assert_hidden(RedisStore::new(url.clone()).map(drop), &url);
            assert_hidden(RedisStore::connect(&*url).await.map(drop), &url);
            assert_hidden(RedisStore::connect_cluster([&*url]).await.map(drop), &url);
            assert_hidden(Connection::new(&*url).map(drop), &url);
            if let Some(parsed) = redis::parse_redis_url(&url) {
                assert_hidden(RedisStore::new(parsed).map(drop), &url);
            }
        }
    }
    for url in ["rediss://localhost/#insecure", "redis+unix:///run/a@b.sock?pass=p@ss"] {
        RedisStore::new(url).unwrap_or_else(|err| panic!("{url}: {err}"));
    }
}

#[tokio::test]
async fn every_parameter_that_sqlx_reads_is_taken() {
    for parameter in [
        "sslmode=disable",
        "ssl-mode=disable",
        "sslrootcert=a",
        "ssl-root-cert=a",
        "ssl-ca=a",
        "sslcert=a",
        "ssl-cert=a",
        "sslkey=a",
        "ssl-key=a",
        "statement-cache-capacity=1",
        "host=127.0.0.1",
        "hostaddr=127.0.0.1",
        "port=1",
        "dbname=a",
        "user=a%40b",
        "password=s3cr3t",
        "application_name=a",
        "options=-c%20a=b",
        "options[a]=b",
        "options%5Ba%5D=b",
    ] {
        // Nothing listens on the port 1.
        let url = format!("postgres://127.0.0.1:1/db?{parameter}");
        let err = PostgresStore::connect(&url).await.expect_err("no server");
        assert_eq!(err.kind(), ErrorKind::NotConnected, "{parameter}: {err}");
        assert!(!err.to_string().contains(SECRET), "{err}");
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
    assert!(err.to_string().contains("`SqlxStore::migrate` makes them"), "{err}");
    store.migrate().await.expect("they are made");
    store.ready().await.expect("they are there");
    store.pool().close().await;
    let err = store.ready().await.expect_err("it is closed").to_string();
    assert!(err.starts_with("the session store is not ready: "), "{err}");
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_says_why_at_start() {
    let options = sqlx::postgres::PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
    // Nothing listens on the port 1.
    let pool = options.connect_lazy("postgres://user:s3cr3t@127.0.0.1:1/db").expect("a URL");
    let err = PostgresStore::new(pool).ready().await.expect_err("no server").to_string();
    assert!(err.contains("127.0.0.1:1: "), "{err}");
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
