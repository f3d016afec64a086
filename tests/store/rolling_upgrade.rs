//! In the middle of a rolling upgrade an instance of the older version meets records of the newer one.
//! It keeps them and their cookies, so that the upgrade logs nobody out.

use actix_web::http::{
    StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER, SET_COOKIE},
};
use sessions::store::Store;
use sessions_redis::RedisStore;
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sessions_tests::{Answer, Browser, Logged, MariaDb, Postgres, Redis, stage::Stage, with_token};
use sqlx::{query, query_as, sqlite::SqlitePoolOptions};

/// The bytes of all records in a store.
trait Raw {
    async fn records(&self) -> Vec<(String, Vec<u8>)>;
    async fn overwrite(&self, key: &str, bytes: &[u8]);

    /// Gives every record another format.
    async fn set_format(&self, format: &[u8]) {
        for (key, bytes) in self.records().await {
            let rest = bytes.iter().position(|byte| *byte == b' ').expect("a head");
            self.overwrite(&key, &[format, &bytes[rest..]].concat()).await;
        }
    }
}

macro_rules! raw_sql_records {
    ($store:ty, $hex:literal, $update:literal) => {
        impl Raw for $store {
            async fn records(&self) -> Vec<(String, Vec<u8>)> {
                let rows = query_as(concat!("SELECT ", $hex, ", record FROM sessions ORDER BY 1"));
                rows.fetch_all(self.pool()).await.unwrap()
            }

            async fn overwrite(&self, key: &str, bytes: &[u8]) {
                let update = query(concat!("UPDATE sessions SET ", $update, " = ", $hex));
                let done = update.bind(bytes).bind(key).execute(self.pool()).await.unwrap();
                assert_eq!(done.rows_affected(), 1);
            }
        }
    };
}

raw_sql_records!(MySqlStore, "hex(`key`)", "record = ? WHERE ?");
raw_sql_records!(SqliteStore, "hex(key)", "record = $1 WHERE $2");
raw_sql_records!(PostgresStore, "encode(key, 'hex')", "record = $1 WHERE $2");

impl Raw for Redis {
    async fn records(&self) -> Vec<(String, Vec<u8>)> {
        let keys: Vec<String> = self.command(&["KEYS", "session:*"]);
        let records =
            keys.into_iter().filter(|key| self.command::<String>(&["TYPE", key]) == "hash");
        records.map(|key| (key.clone(), self.command(&["HGET", &key, "d"]))).collect()
    }

    async fn overwrite(&self, key: &str, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("a record is text");
        self.command::<()>(&["HSET", key, "d", text]);
    }
}

async fn is_kept<S: Store + Clone>(store: S, raw: &impl Raw) {
    let stage = Stage::new(store);
    let host = stage.host();
    let app = host.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-7/count").await;
    let token = browser.cookie("id").expect("it has a session").to_owned();
    raw.set_format(b"3").await;
    let before = raw.records().await;
    assert_eq!(before.len(), 1);

    let log = Logged::start();
    for path in ["/read", "/count", "/renew", "/login-8", "/purge"] {
        let answer = browser.get(&app, path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.all(RETRY_AFTER), ["1"], "{path}");
        assert_eq!(answer.all(CACHE_CONTROL), ["no-store"], "{path}");
        assert!(answer.all(SET_COOKIE).is_empty(), "{path}");
        assert!(raw.records().await == before, "{path}");
    }
    let lines = log.take_own();
    let (_, line) = lines.first().expect("a line");
    assert!(
        line.contains("in format 3, which this version cannot read; finish the upgrade"),
        "{line}"
    );
    // The list would be without it.
    assert_eq!(
        Browser::new().get(&app, "/devices-7").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );

    raw.set_format(b"2").await;
    let answer = browser.get(&app, "/count").await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, "2"));

    // An instance of the newer version writes between opening and saving.
    let slow = Answer::of(&app, with_token("/wait/count", &token));
    let newer = async {
        host.arrived().await;
        let current = raw.records().await;
        let other = stage.host();
        let other = other.app().await;
        Answer::of(&other, with_token("/count", &token)).await;
        assert!(raw.records().await != current);
        raw.set_format(b"3").await;
        let newer = raw.records().await;
        host.release().await;
        newer
    };
    let (slow, newer) = futures_util::future::join(slow, newer).await;
    assert_eq!(slow.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(slow.all(SET_COOKIE).is_empty());
    assert!(raw.records().await == newer);

    // An owner's sessions end in any format.
    assert_eq!(Browser::new().get(&app, "/all-7").await.status, StatusCode::OK);
    assert_eq!(raw.records().await.len(), 0);
}

#[actix_web::test]
async fn a_record_of_a_newer_version_is_kept_in_sqlite() {
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let store = SqliteStore::new(pool.connect("sqlite::memory:").await.unwrap());
    store.migrate().await.unwrap();
    is_kept(store.clone(), &store).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_record_of_a_newer_version_is_kept_in_postgresql() {
    let server = Postgres::new();
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    store.migrate().await.unwrap();
    is_kept(store.clone(), &store).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_record_of_a_newer_version_is_kept_in_mariadb() {
    let server = MariaDb::new();
    let store = MySqlStore::connect(&server.url()).await.unwrap();
    store.migrate().await.unwrap();
    is_kept(store.clone(), &store).await;
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_record_of_a_newer_version_is_kept_in_redis() {
    let server = Redis::new();
    is_kept(RedisStore::connect(server.url()).await.unwrap(), &server).await;
}
