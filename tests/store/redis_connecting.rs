//! How a server is reached: credentials that change, databases, sockets, commands with other names, and
//! what an error says of it.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sessions::{
    store::{Store, StoreError},
    test::store::{conformance, random_key, record},
};
use sessions_redis::{Connection, Credentials, RedisStore};
use sessions_tests::Redis;

const TTL: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn each_connection_asks_for_its_credentials() {
    let redis = Redis::new();
    let set = |password: &str| {
        let rule = format!(">{password}");
        let rules = ["ACL", "SETUSER", "app", "reset", "on", "+@all", "~*", &rule];
        redis.command::<()>(&rules);
    };
    set("first");
    let current = Arc::new(Mutex::new(Ok("first")));
    let asked = Arc::clone(&current);
    // Those of the URL are not used.
    let url = format!("redis://nobody:wrong@127.0.0.1:{}", redis.port());
    let connection = Connection::new(url).unwrap().with_credentials_from(move || {
        let password = *asked.lock().unwrap();
        async move {
            password.map(|password| Credentials::new("app", password)).map_err(io::Error::other)
        }
    });
    let store = RedisStore::from_connection(connection);
    store.ready().await.unwrap();

    // The password is changed, and the clients of the old one are cut off.
    set("second");
    *current.lock().unwrap() = Ok("second");
    for _ in 0..3 {
        redis.command::<i64>(&["CLIENT", "KILL", "USER", "app"]);
        store.load(&random_key(), None).await.expect("the next connection has the new password");
    }

    // A source that fails is an error that says so, and the next one is asked again.
    *current.lock().unwrap() = Err("the vault is sealed");
    redis.command::<i64>(&["CLIENT", "KILL", "USER", "app"]);
    let err = store.ready().await.unwrap_err().to_string();
    let expected = format!(
        "cannot connect to Redis at 127.0.0.1:{}: no credentials: the vault is sealed",
        redis.port()
    );
    assert!(err.contains(&expected), "{err}");
    *current.lock().unwrap() = Ok("third");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let err = store.ready().await.unwrap_err().to_string();
    assert!(err.contains("cannot connect to Redis at") && !err.contains("third"), "{err}");
    *current.lock().unwrap() = Ok("second");
    tokio::time::sleep(Duration::from_millis(300)).await;
    store.ready().await.expect("the password is right again");
    assert!(!format!("{:?}", Credentials::new("app", "second")).contains("second"));
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn credentials_that_panic_or_never_come_are_a_failed_attempt_and_are_asked_again() {
    let redis = Redis::with(&["requirepass s3cr3t"]);
    let asked = Arc::new(AtomicUsize::new(0));
    let number = Arc::clone(&asked);
    let connection = Connection::new(redis.url()).unwrap().with_credentials_from(move || {
        let number = number.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => panic!("the function is wrong"),
                1 => std::future::pending().await,
                _ => Ok::<_, io::Error>(Credentials::password("s3cr3t")),
            }
        }
    });
    let store = RedisStore::from_connection(connection);
    let name = format!("cannot connect to Redis at 127.0.0.1:{}: ", redis.port());
    let check = |err: StoreError, part: &str| {
        let err = err.with_causes().to_string();
        println!("{err}");
        assert!(err.contains(&name) && err.contains(part), "no {part:?}: {err}");
    };
    // No server is reached while nothing passes but the time that is waited for.
    tokio::time::pause();
    check(store.load(&random_key(), None).await.unwrap_err(), "the attempt panicked");
    // The next attempt has a pause before it.
    check(store.load(&random_key(), None).await.unwrap_err(), "the attempt panicked");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    std::thread::sleep(Duration::from_millis(300));
    check(store.load(&random_key(), None).await.unwrap_err(), "took longer than 5s");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    tokio::time::resume();
    std::thread::sleep(Duration::from_millis(300));
    store.load(&random_key(), None).await.expect("the third time they come");
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn the_password_of_the_default_user_is_taken_too() {
    let redis = Redis::with(&["requirepass s3cr3t"]);
    let connection = Connection::new(redis.url()).unwrap();
    let store = RedisStore::from_connection(
        connection
            .with_credentials_from(async || Ok::<_, io::Error>(Credentials::password("s3cr3t"))),
    );
    store.ready().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_database_is_its_own_and_needs_select() {
    let redis = Redis::new();
    let url = |database| format!("redis://127.0.0.1:{}/{database}", redis.port());
    let [first, second] = [1, 2].map(|number| RedisStore::new(url(number)).unwrap());
    let key = random_key();
    first.create(&key, &record("{}"), TTL).await.unwrap();
    assert!(first.load(&key, None).await.unwrap().is_some());
    assert!(second.load(&key, None).await.unwrap().is_none());
    conformance(RedisStore::new(url(7)).unwrap()).await;

    let rules = ["ACL", "SETUSER", "app", "on", ">pass", "~*", "+@all", "-select"];
    redis.command::<()>(&rules);
    let url = |database| format!("redis://app:pass@127.0.0.1:{}{database}", redis.port());
    RedisStore::connect(url("")).await.unwrap().ready().await.unwrap();
    RedisStore::connect(url("/1")).await.expect_err("`+select` is missing");
    redis.command::<()>(&["ACL", "SETUSER", "app", "+select"]);
    RedisStore::connect(url("/1")).await.unwrap().ready().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_unix_socket_keeps_the_contract_and_is_named() {
    let mut redis = Redis::with(&["unixsocket redis.sock", "unixsocketperm 700"]);
    let socket = redis.folder().join("redis.sock");
    let url = format!("redis+unix://{}", socket.display());
    let store = RedisStore::connect(&*url).await.unwrap();
    store.ready().await.unwrap();
    conformance(store).await;
    let store = RedisStore::connect(format!("{url}?db=2")).await.unwrap();
    store.create(&random_key(), &record("{}"), TTL).await.unwrap();
    let databases: String = redis.command(&["INFO", "keyspace"]);
    assert!(databases.contains("db2:keys=1"), "{databases}");
    redis.kill();
    let err = store.ready().await.unwrap_err().to_string();
    assert!(err.contains("cannot connect to Redis at") && err.contains("redis.sock"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_server_without_config_keys_info_and_role_keeps_the_contract() {
    // `KEYS` and `INFO` are what these tests read the server with: it is asked nothing else.
    let renamed = ["CONFIG", "FLUSHALL", "FLUSHDB", "DEBUG", "INFO", "ROLE", "SCRIPT"];
    let settings: Vec<String> =
        renamed.iter().map(|name| format!("rename-command {name} {name}-of-ours")).collect();
    let redis = Redis::with(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    let store = RedisStore::connect(redis.url()).await.unwrap();
    store.ready().await.unwrap();
    conformance(store).await;
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn an_error_names_the_server_and_what_to_do() {
    let redis = Redis::new();
    let name = format!("Redis at 127.0.0.1:{}", redis.port());
    let check = |text: String, part: &str| {
        println!("{text}");
        assert!(text.contains(&name) && text.contains(part), "no {part:?}: {text}");
        assert_eq!(text.matches(&name).count(), 1, "{text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    };
    let store = RedisStore::connect(redis.url()).await.unwrap();
    redis.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "2"]);
    let err = store.delete(&random_key()).await.unwrap_err();
    assert!(matches!(err, StoreError::ReadOnly { .. }), "{err:?}");
    check(err.with_causes().to_string(), "fewer replicas than `min-replicas-to-write`");
    redis.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]);

    redis.command::<()>(&["ACL", "SETUSER", "app", "on", ">s3cr3t", "~*", "+@all", "-role"]);
    let url = format!("redis://app:s3cr3t@127.0.0.1:{}", redis.port());
    let app = RedisStore::connect(url).await.unwrap();
    check(app.ready().await.unwrap_err().to_string(), "lists the rules of the ACL");

    redis.command::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    check(store.ready().await.unwrap_err().to_string(), "must lead to the primary");
    let err = store.delete(&random_key()).await.unwrap_err();
    check(err.with_causes().to_string(), "must lead to the primary");
    redis.command::<()>(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    check(store.ready().await.unwrap_err().to_string(), "lost its primary");
    redis.command::<()>(&["REPLICAOF", "NO", "ONE"]);

    redis.command::<()>(&["CONFIG", "SET", "requirepass", "s3cr3t"]);
    let err = RedisStore::connect(redis.url()).await.unwrap_err().to_string();
    check(err, "wants a user and a password");
    let wrong = format!("redis://app:other@127.0.0.1:{}", redis.port());
    let err = RedisStore::connect(wrong).await.unwrap_err().to_string();
    check(err, "check that the server runs and that the URL has its address, user and password");
}
