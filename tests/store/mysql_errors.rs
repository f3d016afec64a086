//! What MariaDB refuses, and what the store says of it: the cause, and what to do.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    os::unix::net::UnixListener,
    thread,
    time::Duration,
};

use sessions::{
    store::{CreateOutcome, Store, StoreError, Touch},
    test::store::{conformance_when_full, random_key, record},
};
use sessions_sqlx::MySqlStore;
use sessions_tests::MariaDb;
use sqlx::{MySqlPool, mysql::MySqlPoolOptions, raw_sql};

use crate::sql_store::{HOUR, a_life, migrated};

async fn admin(mariadb: &MariaDb) -> MySqlPool {
    let pool = MySqlPoolOptions::new().max_connections(1);
    pool.connect(&mariadb.admin_url()).await.expect("it is up")
}

async fn store(mariadb: &MariaDb) -> MySqlStore {
    migrated(MySqlStore::connect(&mariadb.url()).await.expect("it is up")).await
}

/// Returns the whole text of an error.
fn said<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    result.expect_err("it is refused").with_causes().to_string()
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_mariadb_that_takes_no_writes_is_read() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let key = random_key();
    store.create(&key, &record("{}"), HOUR).await.unwrap();
    let admin = admin(&mariadb).await;
    raw_sql("SET GLOBAL read_only = 1").execute(&admin).await.unwrap();
    let touch = Touch { ttl: 2 * HOUR, interval: HOUR };
    assert!(!store.load(&key, Some(touch)).await.unwrap().unwrap().touched);
    let created = store.create(&random_key(), &record("{}"), HOUR).await.map(|_| ());
    let deleted = store.delete(&key).await.map(|_| ());
    for refused in [created, deleted] {
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    }
    let ready = store.ready().await.unwrap_err().to_string();
    assert!(ready.contains(" takes no writes; the address must lead to the primary"), "{ready}");
    raw_sql("SET GLOBAL read_only = 0").execute(&admin).await.unwrap();
    assert!(store.load(&key, Some(touch)).await.unwrap().unwrap().touched);
    store.ready().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract_when_full() {
    // All tables are in one file, which may not grow beyond what it begins with for long.
    let mariadb = MariaDb::with(&[
        "--innodb-file-per-table=OFF",
        "--innodb-data-file-path=ibdata1:12M:autoextend:max:18M",
    ]);
    let pool = MySqlPool::connect(&mariadb.url()).await.unwrap();
    Box::pin(conformance_when_full(migrated(MySqlStore::new(pool)).await)).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn missing_tables_and_rights_of_mariadb_are_named() {
    let mariadb = MariaDb::new();
    let store = MySqlStore::connect(&mariadb.url()).await.unwrap();
    let key = random_key();
    let missing = said(store.load(&key, None).await);
    assert!(missing.contains("`SqlxStore::migrate` makes them"), "{missing}");
    assert!(store.ready().await.unwrap_err().to_string().contains("`SqlxStore::migrate`"));
    store.migrate().await.unwrap();
    store.ready().await.unwrap();

    let admin = admin(&mariadb).await;
    raw_sql("CREATE USER reader@'%'; GRANT SELECT ON app.* TO reader@'%'")
        .execute(&admin)
        .await
        .unwrap();
    let url = format!("mysql://reader@127.0.0.1:{}/app", mariadb.port());
    let reader = MySqlStore::connect(&url).await.unwrap();
    reader.load(&key, None).await.unwrap();
    let refused = said(reader.create(&key, &record("{}"), HOUR).await);
    for part in ["127.0.0.1:", "grant it SELECT, INSERT, UPDATE and DELETE", "command denied"] {
        assert!(refused.contains(part), "{refused}");
    }
    let refused = reader.with_table("others").unwrap().migrate().await.unwrap_err();
    assert!(format!("{refused:?}").contains("CREATE for `SqlxStore::migrate`"), "{refused:?}");
    // What the docs ask for is enough.
    raw_sql("GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO reader@'%'")
        .execute(&admin)
        .await
        .unwrap();
    a_life(&MySqlStore::connect(&url).await.unwrap()).await.unwrap();
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_says_at_connect_what_is_wrong_with_the_url() {
    let mariadb = MariaDb::new();
    let port = mariadb.port();
    for (rest, part) in [
        (format!("app:wr0ng@127.0.0.1:{port}/app"), "the server refuses the user"),
        (format!("nobody@127.0.0.1:{port}/app"), "the server refuses the user"),
        (format!("app:pass-word@127.0.0.1:{port}/other"), "the user lacks rights"),
        (format!("admin@127.0.0.1:{port}/other"), "the database does not exist; create it"),
        ("app:pass-word@127.0.0.1:1/app".to_owned(), "check that the server runs"),
    ] {
        let err = MySqlStore::connect(&format!("mysql://{rest}")).await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::NotConnected, "{err}");
        let text = err.to_string();
        assert!(text.contains(part) && text.contains("MySQL at 127.0.0.1:"), "{text}");
        assert!(!text.contains("pass-word") && !text.contains("wr0ng"), "{text}");
    }
    let socket =
        format!("mysql://app:pass-word@localhost/app?socket={}", mariadb.socket().display());
    a_life(&migrated(MySqlStore::connect(&socket).await.unwrap()).await).await.unwrap();
    a_life(&MySqlStore::connect(&mariadb.url().replace("mysql", "mariadb")).await.unwrap())
        .await
        .unwrap();
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_mariadb_without_connections_left_says_so() {
    let mariadb = MariaDb::with(&["--max-connections=10"]);
    let store = store(&mariadb).await;
    let mut held = Vec::new();
    let pool = MySqlPoolOptions::new().max_connections(20).connect(&mariadb.url()).await.unwrap();
    while let Ok(connection) = pool.acquire().await {
        held.push(connection);
    }
    let fresh = MySqlPool::connect_lazy(&mariadb.url()).unwrap();
    let refused = said(MySqlStore::new(fresh).load(&random_key(), None).await);
    for part in
        ["the server has no connection left; raise its `max_connections`", "Too many connections"]
    {
        assert!(refused.contains(part), "{refused}");
    }
    let refused = MySqlStore::connect(&mariadb.url()).await.unwrap_err().to_string();
    assert!(refused.contains("the server has no connection left"), "{refused}");
    drop(held);
    pool.close().await;
    a_life(&store).await.unwrap();
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_record_beyond_the_packet_of_mariadb_is_named() {
    let mariadb = MariaDb::with(&["--max-allowed-packet=65536"]);
    let store = store(&mariadb).await;
    let key = random_key();
    let CreateOutcome::Created(revision) = store.create(&key, &record("{}"), HOUR).await.unwrap()
    else {
        panic!("a new key")
    };
    for length in [65_500, 70_000, 1_000_000] {
        let long = record(&format!("{{\"n\":\"{}\"}}", "x".repeat(length)));
        for _ in 0..50 {
            let refused = said(store.replace(&key, revision, &long, HOUR).await);
            assert!(refused.contains("`max_allowed_packet`"), "{length}: {refused}");
        }
    }
    assert_eq!(store.load(&key, None).await.unwrap().unwrap().revision, revision);
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_pool_for_sessions_in_mysql_has_ten_connections_and_gives_up_in_time() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let options = store.pool().options();
    assert_eq!(options.get_max_connections(), 10);
    assert_eq!(options.get_acquire_timeout(), Duration::from_secs(3));
    let limits: (f64, u64, u64, i64) = sqlx::query_as(
        "SELECT CAST(@@max_statement_time AS double), @@innodb_lock_wait_timeout, \
         @@lock_wait_timeout, @@autocommit",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    assert_eq!(limits, (0.25, 1, 1, 1));
}

/// Asks a client for its password, as MySQL's `caching_sha2_password` does when it does not know the user
/// yet.
fn ask_for_a_password(mut stream: impl Read + Write) {
    fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_le_bytes();
        [&length[..3], &[number], payload].concat()
    }

    // The protocol's version 10; the server's; a thread's number; the first part of the salt.
    // Capabilities: protocol 4.1, secure connection, plugins. Character set, status, length of the salt,
    // ten zeros, the rest of the salt, and the plugin.
    let greeting = [
        b"\x0a8.4.0\0\x01\0\0\0abcdefgh\0\x00\x82\x21\x02\0\x08\0\x15".as_slice(),
        &[0; 10],
        b"ijklmnopqrst\0caching_sha2_password\0",
    ];
    let mut answer = [0; 1024];
    let key = b"\x01-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----\n";
    for (number, payload) in [(0, greeting.concat().as_slice()), (2, b"\x01\x04"), (4, key)] {
        let _ = stream.write_all(&packet(number, payload));
        let _ = stream.read(&mut answer);
    }
}

#[tokio::test]
async fn a_password_that_mysql_wants_over_tls_only_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || ask_for_a_password(listener.accept().expect("a client").0));
    let socket = std::env::temp_dir().join(format!("sessions-mysql-{}", std::process::id()));
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || ask_for_a_password(listener.accept().expect("a client").0));
    for place in
        [format!("127.0.0.1:{port}/app"), format!("localhost/app?socket={}", socket.display())]
    {
        let url = format!("mysql://app:pass-word@{place}");
        let err = MySqlStore::connect(&url).await.unwrap_err().to_string();
        assert!(err.contains("the account's password may only be sent over TLS"), "{err}");
        assert!(!err.contains("pass-word"), "{err}");
    }
    std::fs::remove_file(&socket).unwrap();
}
