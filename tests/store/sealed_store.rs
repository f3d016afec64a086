//! Records sealed at rest: any store behind the seal keeps the contract, who reads the database reads no
//! session, what was moved or changed opens nothing, and neither a change of keys nor the switch logs a
//! client out.

use std::time::Duration;

use actix_web::http::StatusCode;
use sessions::{
    KeyRing, MemoryStore, SealedStore, SecretKey, ServerSide, SessionConfig, SharedKeys,
    policy::CookieName,
    store::{Loaded, OwnerIndex, OwnerKey, Record, RecordKey, ReplaceOutcome, Store, StoreError},
    test::{
        TestClock,
        store::{conformance, conformance_when_full, owner_key, random_key, record},
    },
};
use sessions_redis::RedisStore;
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sessions_tests::{Browser, Logged, MariaDb, Postgres, Redis, in_memory::Fixture};
use sqlx::sqlite::SqlitePoolOptions;

use crate::sql_store::migrated;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The default of the policy `lifetime`.
const LIFETIME: Duration = DAY.saturating_mul(31);

type Sealed = SealedStore<MemoryStore>;

fn sealed<S: Store>(store: S) -> SealedStore<S> {
    SealedStore::new(store, SecretKey::generate())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_keeps_the_contract_when_it_is_sealed() {
    conformance(sealed(MemoryStore::new())).await;
    conformance_when_full(sealed(MemoryStore::with_capacity(1_000))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract_when_it_is_sealed() {
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.test_before_acquire(false).connect("sqlite::memory:").await.unwrap();
    conformance(sealed(migrated(SqliteStore::new(pool)).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn redis_keeps_the_contract_when_it_is_sealed() {
    let redis = Redis::new();
    conformance(sealed(RedisStore::connect(redis.url()).await.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn postgres_keeps_the_contract_when_it_is_sealed() {
    let postgres = Postgres::new();
    conformance(sealed(migrated(PostgresStore::connect(&postgres.url()).await.unwrap()).await))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract_when_it_is_sealed() {
    let mariadb = MariaDb::new();
    let store = migrated(MySqlStore::connect(&mariadb.url()).await.unwrap()).await;
    Box::pin(conformance(sealed(store))).await;
}

/// A database that hosts share, and that an attacker reads and writes.
#[derive(Clone)]
struct Database {
    store: MemoryStore,
    time: TestClock,
}

impl Database {
    fn new() -> Self {
        let time = TestClock::new();
        Self { store: MemoryStore::with_clock(time.clock()), time }
    }

    fn sealed(&self, keys: impl Into<SharedKeys>) -> Sealed {
        SealedStore::new(self.store.clone(), keys)
    }

    fn host<S: Store + Clone>(&self, store: S) -> Fixture<S> {
        let config = SessionConfig::new().cookie_name(CookieName::from_static("id"));
        Fixture::of(ServerSide::new(store), config, self.time.clone())
    }

    /// Returns the record under this key, as it is kept.
    async fn load(&self, key: &RecordKey) -> Loaded {
        let loaded = self.store.load(key, None).await.expect("memory does not fail");
        loaded.expect("it is there")
    }

    /// Returns the one record of an owner, as it is kept.
    async fn record_of(&self, owner: &str) -> (RecordKey, Loaded) {
        let index = self.store.owners().expect("it has an index");
        let keys = index.keys(&owner_key(owner)).await.expect("memory does not fail");
        let [key] = keys[..] else { panic!("{} records", keys.len()) };
        (key, self.load(&key).await)
    }

    /// Puts a record in the place of another one.
    async fn overwrite(&self, key: &RecordKey, record: &Record) {
        let revision = self.load(key).await.revision;
        let replaced = self.store.replace(key, revision, record, DAY).await;
        assert!(matches!(replaced, Ok(ReplaceOutcome::Replaced(_))));
    }
}

/// What a browser sees of its session.
async fn read<S: Store + Clone>(host: &Fixture<S>, browser: &mut Browser) -> String {
    let answer = browser.get(&host.app().await, "/read").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body
}

async fn get<S: Store + Clone>(host: &Fixture<S>, browser: &mut Browser, path: &str) {
    let answer = browser.get(&host.app().await, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
}

#[actix_web::test]
async fn the_database_shows_nothing_of_the_content_and_the_session_is_as_ever() {
    let database = Database::new();
    let host = database.host(database.sealed(SecretKey::generate()));
    let mut browser = Browser::new();
    get(&host, &mut browser, "/login-7/insert-diagnosis").await;
    let (_, kept) = database.record_of("7").await;
    let bytes = kept.record.to_bytes();
    for word in ["diagnosis", "_owner", "true"] {
        assert!(!String::from_utf8(bytes.clone()).unwrap().contains(word), "{word}");
    }
    assert_eq!(kept.record.owner(), Some(owner_key("7")));
    assert!(read(&host, &mut browser).await.contains(r#""diagnosis":true"#));
    assert_eq!(browser.get(&host.app().await, "/devices-7").await.body, "1 1");
    get(&host, &mut browser, "/count/rotate").await;
    assert!(read(&host, &mut browser).await.contains(r#""n":1"#));
    // A process without the keys, such as `sessions-admin`, lists none, and ends them all.
    let app = database.host(database.store.clone());
    let app = app.app().await;
    assert_eq!(Browser::new().get(&app, "/devices-7").await.body, "0 0");
    assert_eq!(Browser::new().get(&app, "/all-7").await.body, "1");
    assert_eq!(read(&host, &mut browser).await, "{}");
}

#[actix_web::test]
async fn a_record_of_n_bytes_takes_a_third_more_and_66() {
    let store = MemoryStore::new();
    let sealed = sealed(store.clone());
    for length in [2, 100, 65_536] {
        let (key, record) = (random_key(), record(&format!("{{}}{}", " ".repeat(length - 2))));
        assert_eq!(record.payload_len(), length);
        sealed.create(&key, &record, DAY).await.unwrap();
        let kept = store.load(&key, None).await.unwrap().unwrap().record;
        assert!(kept.payload_len() > length + length / 3);
        assert!(kept.payload_len() <= length + length.div_ceil(3) + 66);
    }
}

/// Logs a victim and an attacker in, lets the attacker change the database, and returns what each of
/// them sees then, and the lines of the log.
async fn attacked(
    attack: impl AsyncFn(&Database, (RecordKey, Loaded), (RecordKey, Loaded)),
) -> (String, String, Vec<String>) {
    let database = Database::new();
    let host = database.host(database.sealed(SecretKey::generate()));
    let [mut victim, mut mallory] = [Browser::new(), Browser::new()];
    get(&host, &mut victim, "/login-victim/insert-admin").await;
    get(&host, &mut mallory, "/login-mallory").await;
    let log = Logged::start();
    attack(&database, database.record_of("victim").await, database.record_of("mallory").await)
        .await;
    let seen = (read(&host, &mut victim).await, read(&host, &mut mallory).await);
    let lines = log.take_own().into_iter().map(|(_, text)| text).collect();
    (seen.0, seen.1, lines)
}

#[actix_web::test]
async fn a_record_that_was_moved_to_another_key_opens_nothing() {
    let moves =
        async |database: &Database, victim: (RecordKey, Loaded), mallory: (RecordKey, Loaded)| {
            database.overwrite(&mallory.0, &victim.1.record).await;
        };
    let (victim, mallory, _) = attacked(moves).await;
    assert!(victim.contains("admin"));
    assert_eq!(mallory, "{}");
}

/// With the tokens of their own record, since the record would not know them otherwise.
#[actix_web::test]
async fn content_that_was_moved_into_another_record_opens_nothing() {
    let moves =
        async |database: &Database, victim: (RecordKey, Loaded), mallory: (RecordKey, Loaded)| {
            let (victim, own) = (victim.1.record.to_bytes(), mallory.1.record.to_bytes());
            let head = own.split(|byte| *byte == b'\n').next().unwrap();
            let content = victim.split(|byte| *byte == b'\n').nth(1).unwrap();
            let forged = Record::from_bytes(&[head, content].join(&b'\n')).unwrap();
            database.overwrite(&mallory.0, &forged).await;
        };
    let (victim, mallory, lines) = attacked(moves).await;
    assert!(victim.contains("admin"));
    assert_eq!(mallory, "{}");
    assert!(lines[0].contains("its seal is broken"), "{lines:?}");
}

#[actix_web::test]
async fn a_record_that_was_given_to_another_owner_opens_nothing() {
    let gives = async |database: &Database, _: (RecordKey, Loaded), own: (RecordKey, Loaded)| {
        let text = String::from_utf8(own.1.record.to_bytes()).unwrap();
        let [from, to] = ["mallory", "victim"].map(|id| owner_key(id).to_string());
        let forged = Record::from_bytes(text.replace(&from, &to).as_bytes()).unwrap();
        assert!(forged != *own.1.record);
        database.overwrite(&own.0, &forged).await;
    };
    let (victim, mallory, lines) = attacked(gives).await;
    assert!(victim.contains("admin"));
    assert_eq!(mallory, "{}");
    assert!(lines[0].contains("its seal is broken"), "{lines:?}");
}

#[actix_web::test]
async fn content_that_an_attacker_wrote_opens_nothing() {
    let forges = async |database: &Database, _: (RecordKey, Loaded), own: (RecordKey, Loaded)| {
        let bytes = own.1.record.to_bytes();
        let head = bytes.split(|byte| *byte == b'\n').next().unwrap();
        let content = &br#"{"_owner":"mallory","admin":true}"#[..];
        let forged = Record::from_bytes(&[head, content].join(&b'\n')).unwrap();
        database.overwrite(&own.0, &forged).await;
    };
    let (_, mallory, lines) = attacked(forges).await;
    assert_eq!(mallory, "{}");
    assert!(lines[0].contains("its content is not sealed"), "{lines:?}");
}

/// What the docs say that no seal prevents.
#[actix_web::test]
async fn an_earlier_state_of_the_same_record_can_be_put_back() {
    let database = Database::new();
    let host = database.host(database.sealed(SecretKey::generate()));
    let mut browser = Browser::new();
    get(&host, &mut browser, "/login-7/count").await;
    let (key, earlier) = database.record_of("7").await;
    get(&host, &mut browser, "/count").await;
    database.overwrite(&key, &earlier.record).await;
    assert!(read(&host, &mut browser).await.contains(r#""n":1"#));
}

#[actix_web::test]
async fn a_change_of_keys_in_three_steps_logs_no_client_out() {
    let [old, new] = [SecretKey::generate(), SecretKey::generate()];
    let steps = [
        KeyRing::new(old.clone()),
        KeyRing::new(old.clone()).with_next(new.clone()),
        KeyRing::new(new.clone()).with_fallback(old),
        KeyRing::new(new),
    ];
    let database = Database::new();
    // Two hosts, of which one is a step behind.
    let keys = [0, 1].map(|_| SharedKeys::new(steps[0].clone()));
    let hosts = keys.clone().map(|keys| database.host(database.sealed(keys)));
    let [mut reader, mut renewed, mut writer] = [Browser::new(), Browser::new(), Browser::new()];
    get(&hosts[0], &mut reader, "/login-reader/insert-a").await;
    get(&hosts[0], &mut renewed, "/renew/insert-a").await;
    get(&hosts[0], &mut writer, "/count").await;
    for step in &steps[1..] {
        for (at, keys) in keys.iter().enumerate() {
            keys.replace(step.clone());
            for host in [at, 1 - at] {
                let host = &hosts[host];
                get(host, &mut writer, "/count").await;
                for browser in [&mut reader, &mut renewed] {
                    assert!(read(host, browser).await.contains(r#""a":true"#), "{step:?}");
                }
            }
        }
        if step.fallbacks().is_empty() {
            continue;
        }
        // The reader never writes: it is sealed again by the touch that prolongs it.
        for _ in 0..40 {
            database.time.advance(DAY * 3 / 4);
            for browser in [&mut reader, &mut renewed] {
                assert!(read(&hosts[0], browser).await.contains(r#""a":true"#));
            }
            get(&hosts[0], &mut writer, "/count").await;
        }
    }
    let counts = 1 + 3 * 4 + 40 + 1;
    assert_eq!(browser_count(&hosts[1], &mut writer).await, counts.to_string());
}

async fn browser_count<S: Store + Clone>(host: &Fixture<S>, browser: &mut Browser) -> String {
    browser.get(&host.app().await, "/count").await.body
}

#[actix_web::test]
async fn a_record_under_a_fallback_key_is_sealed_again_by_a_write_or_a_touch_and_counted() {
    let [old, new] = [SecretKey::generate(), SecretKey::generate()];
    for path in ["/count", "/read"] {
        let database = Database::new();
        let keys = SharedKeys::new(old.clone());
        let host = database.host(database.sealed(keys.clone()));
        let mut browser = Browser::new();
        // Renewed, and without an owner: no other cause writes its record.
        get(&host, &mut browser, "/renew/insert-a").await;
        keys.replace(KeyRing::new(new.clone()).with_fallback(old.clone()));
        assert!(read(&host, &mut browser).await.contains("\"a\""));
        assert_eq!((keys.uses().fallbacks(), keys.uses().current()), (&[1][..], 0));
        // Not yet: nothing is due.
        assert!(read(&host, &mut browser).await.contains("\"a\""));
        assert_eq!(keys.uses().fallbacks(), [2]);
        database.time.advance(Duration::from_secs(61));
        get(&host, &mut browser, path).await;
        let before = keys.uses();
        assert!(read(&host, &mut browser).await.contains("\"a\""));
        assert_eq!(keys.uses().fallbacks(), before.fallbacks());
        assert_eq!(keys.uses().current(), before.current() + 1);
        keys.replace(new.clone());
        assert!(read(&host, &mut browser).await.contains("\"a\""), "{path}");
    }
}

#[actix_web::test]
async fn a_record_under_a_key_that_was_removed_opens_nothing_and_can_be_ended() {
    let database = Database::new();
    let keys = SharedKeys::new(SecretKey::generate());
    let host = database.host(database.sealed(keys.clone()));
    let mut browser = Browser::new();
    get(&host, &mut browser, "/login-7/insert-a").await;
    let (key, _) = database.record_of("7").await;
    keys.replace(SecretKey::generate());
    assert_eq!(read(&host, &mut browser).await, "{}");
    assert!(database.store.load(&key, None).await.unwrap().is_some());
    get(&host, &mut browser, "/all-7").await;
    assert!(database.store.load(&key, None).await.unwrap().is_none());
}

#[actix_web::test]
async fn sealing_a_store_in_three_steps_logs_no_client_out_and_neither_does_the_way_back() {
    let (database, key) = (Database::new(), SecretKey::generate());
    let plain = database.host(database.store.clone());
    let [one, two, three] = [
        database.sealed(key.clone()).write_unsealed(),
        database.sealed(key.clone()).accept_unsealed(),
        database.sealed(key.clone()),
    ]
    .map(|store| database.host(store));
    let [mut reader, mut writer] = [Browser::new(), Browser::new()];
    get(&plain, &mut reader, "/renew/insert-a").await;
    get(&plain, &mut writer, "/login-7/count").await;
    let mut count = 1;
    let mut is_open = async |host: &Fixture<Sealed>| {
        count += 1;
        assert_eq!(browser_count(host, &mut writer).await, count.to_string());
        assert!(read(host, &mut reader).await.contains("\"a\""));
    };
    is_open(&one).await;
    assert!(is_plain(&database).await);
    for host in [&two, &one, &two, &one, &two] {
        is_open(host).await;
    }
    assert!(!is_plain(&database).await);
    for _ in 0..40 {
        database.time.advance(DAY);
        is_open(&two).await;
    }
    for host in [&two, &three, &three] {
        is_open(host).await;
    }
    // And back.
    for host in [&two, &three, &two, &one, &two, &one] {
        is_open(host).await;
    }
    for _ in 0..40 {
        database.time.advance(DAY);
        is_open(&one).await;
    }
    let mut browser = reader;
    assert!(read(&plain, &mut browser).await.contains("\"a\""));
}

async fn is_plain(database: &Database) -> bool {
    let bytes = database.record_of("7").await.1.record.to_bytes();
    String::from_utf8(bytes).expect("its text is UTF-8").contains("_owner")
}

#[actix_web::test]
async fn without_the_steps_sessions_that_exist_end_and_their_records_stay() {
    let database = Database::new();
    let plain = database.host(database.store.clone());
    let sealed = database.host(database.sealed(SecretKey::generate()));
    for (before, after) in [(true, false), (false, true)] {
        let mut browser = Browser::new();
        for (is_plain, path) in [(before, "/login-7/insert-a"), (after, "/read")] {
            let answer = if is_plain {
                browser.get(&plain.app().await, path).await
            } else {
                browser.get(&sealed.app().await, path).await
            };
            assert_eq!(answer.status, StatusCode::OK);
            assert!(!answer.body.contains("\"a\""));
        }
        let (key, _) = database.record_of("7").await;
        // It was never overwritten, and ends with its owner's others.
        assert!(Browser::new().get(&sealed.app().await, "/all-7").await.body == "1");
        assert!(database.store.load(&key, None).await.unwrap().is_none());
    }
    assert!(LIFETIME > DAY);
}

#[actix_web::test]
async fn the_store_behind_the_seal_is_asked_for_its_index_its_server_its_health_and_its_clock() {
    let nothing = sealed(RedisStore::new("redis://127.0.0.1:1").unwrap());
    assert_eq!(nothing.server().unwrap(), "Redis at 127.0.0.1:1");
    let not_ready = nothing.ready().await.unwrap_err().to_string();
    assert!(not_ready.contains("127.0.0.1:1"), "{not_ready}");

    let memory = MemoryStore::new();
    let sealed = sealed(memory.clone());
    sealed.ready().await.unwrap();
    let (owner, key) = (owner_key("7"), random_key());
    let add = async |index: &dyn OwnerIndex, owner: &OwnerKey| index.add(owner, &key, DAY).await;
    add(sealed.owners().unwrap(), &owner).await.unwrap();
    assert_eq!(memory.owners().unwrap().keys(&owner).await.unwrap(), [key]);

    // A store with a time of its own follows the clock of a test.
    let time = TestClock::new();
    let config = SessionConfig::new().cookie_name(CookieName::from_static("id"));
    let host = Fixture::of(ServerSide::new(sealed), config, time.clone());
    let mut browser = Browser::new();
    get(&host, &mut browser, "/renew/insert-a").await;
    time.advance(LIFETIME + DAY);
    assert_eq!(read(&host, &mut browser).await, "{}");
}

#[actix_web::test]
async fn debug_shows_no_key_and_no_content() {
    let store = sealed(MemoryStore::new());
    let key = random_key();
    store.create(&key, &record(r#"{"a":1}"#), DAY).await.unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("keys: SharedKeys(KeyRing { current: SecretKey"), "{shown}");
    let err = sealed(store.store().clone()).load(&key, None).await.unwrap_err();
    assert!(matches!(err, StoreError::Corrupt { .. }), "{err}");
}
