//! Redis servers swap their roles under an application that is in use.

use std::{
    thread,
    time::{Duration, Instant},
};

use sessions::{
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, OwnerIndex, ReplaceOutcome, Store,
        StoreError,
    },
    test::store::{owner_key, random_key, record},
};
use sessions_redis::RedisStore;
use sessions_tests::{
    Proxy, Redis, is_full,
    load_driver::{LoadDriver, RECOVERY},
};
use tokio::time::sleep;

const TTL: Duration = Duration::from_secs(600);

fn url(proxy: &Proxy) -> String {
    format!("redis://127.0.0.1:{}", proxy.port())
}

/// A primary, its replica, and a forwarder to the primary.
fn pair() -> (Redis, Redis, Proxy) {
    pair_of(Redis::new())
}

fn pair_of(primary: Redis) -> (Redis, Redis, Proxy) {
    let replica = primary.replica();
    let proxy = Proxy::before(primary.port());
    (primary, replica, proxy)
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn no_request_fails_when_servers_swap_their_roles_and_old_connections_stay() {
    no_request_fails_when_they_swap_their_roles("Redis servers", pair());
}

#[test]
#[ignore = "needs valkey-server: run scripts/test"]
fn no_request_fails_when_servers_of_valkey_swap_their_roles() {
    no_request_fails_when_they_swap_their_roles("Valkey servers", pair_of(Redis::valkey()));
}

fn no_request_fails_when_they_swap_their_roles(
    servers: &str,
    (primary, replica, proxy): (Redis, Redis, Proxy),
) {
    let url = url(&proxy);
    let application = LoadDriver::start(async move || RedisStore::connect(url).await);
    let report = application.during(|outages| {
        thread::sleep(Duration::from_secs(1));
        let mut servers = (&primary, &replica);
        for _ in 0..if is_full() { 20 } else { 3 } {
            let away = Instant::now();
            let (from, to) = servers;
            // The old connections stay: only new ones lead to the new primary.
            Redis::swap_roles(from, to, || proxy.lead_to(to.port()));
            outages.push((away, Instant::now()));
            from.wait_for_link();
            thread::sleep(RECOVERY);
            servers = (to, from);
        }
    });
    report.judge(&format!("{servers} that swap their roles"));
    assert_eq!(report.failed(), 0);
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn each_write_is_asked_once_more_where_the_new_primary_is() {
    let (primary, replica, proxy) = pair();
    let owner = owner_key("alice");
    // Each has its own connection to the old primary, over which its write is the first request.
    let connected = async || {
        let store = RedisStore::connect(url(&proxy)).await.unwrap();
        let key = random_key();
        match store.create(&key, &record("{}"), TTL).await.unwrap() {
            CreateOutcome::Created(revision) => (store, key, revision),
            CreateOutcome::Exists => panic!("another record has the key"),
        }
    };
    let mut connections = Vec::new();
    for _ in 0..9 {
        connections.push(connected().await);
    }
    Redis::swap_roles(&primary, &replica, || proxy.lead_to(replica.port()));
    primary.wait_for_link();

    let mut next = || connections.pop().unwrap();
    let (store, ..) = next();
    let created = store.create(&random_key(), &record("{}"), TTL).await.unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
    let (store, key, first) = next();
    let replaced = store.replace(&key, first, &record("{}"), TTL).await.unwrap();
    assert_eq!(replaced, ReplaceOutcome::Replaced(first.next()));
    let (store, key, _) = next();
    assert_eq!(store.delete(&key).await.unwrap(), DeleteOutcome::Deleted);
    let (store, key, first) = next();
    assert_eq!(store.delete_if(&key, first).await.unwrap(), DeleteIfOutcome::Deleted);
    let (store, added, _) = next();
    store.add(&owner, &added, TTL).await.unwrap();
    next().0.end_before(&owner, None, TTL).await.unwrap();
    next().0.remove(&owner, &added).await.unwrap();
    let (store, key, _) = next();
    let store = store.durable_delete(1, TTL);
    assert_eq!(store.delete(&key).await.unwrap(), DeleteOutcome::Deleted);
    let (store, key, first) = next();
    let store = store.durable_delete(1, TTL);
    assert_eq!(store.delete_if(&key, first).await.unwrap(), DeleteIfOutcome::Deleted);
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_worker_that_only_reads_leaves_a_server_that_became_a_replica() {
    let (primary, replica, proxy) = pair();
    let store = RedisStore::new(url(&proxy)).unwrap();
    let key = random_key();
    let created = store.create(&key, &record("{}"), TTL).await.unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
    Redis::swap_roles(&primary, &replica, || proxy.lead_to(replica.port()));
    // The old primary hears nothing any more: what it has is old.
    primary.command::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    let at_new = RedisStore::new(replica.url()).unwrap();
    assert_eq!(at_new.delete(&key).await.unwrap(), DeleteOutcome::Deleted);
    let (start, mut reads) = (Instant::now(), 0);
    while store.load(&key, None).await.unwrap().is_some() {
        reads += 1;
        let waited = start.elapsed();
        assert!(waited < Duration::from_secs(3), "the old server is read after {waited:?}");
        sleep(Duration::from_millis(5)).await;
    }
    println!("{reads} reads of the old server, for {:?}", start.elapsed());
    assert!(reads > 0, "the connection did not stay where it was");
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_replica_on_its_own_is_read_and_gets_few_connections() {
    let (_primary, replica, _) = pair();
    let proxy = Proxy::before(replica.port());
    let store = RedisStore::new(url(&proxy)).unwrap();
    let (start, mut requests) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(2) {
        assert!(store.load(&random_key(), None).await.unwrap().is_none());
        let written = store.create(&random_key(), &record("{}"), TTL).await;
        assert!(matches!(written, Err(StoreError::ReadOnly { .. })), "{written:?}");
        requests += 2;
    }
    let connections = proxy.accepted();
    println!("{requests} requests, {connections} connections");
    // After pauses of 100, 200, 400, 800 ms and then a second it is about six.
    assert!((2..=8).contains(&connections) && requests > 100, "{requests}, {connections}");
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_server_that_may_not_tell_its_role_is_asked_once_for_each_connection() {
    let redis = Redis::new();
    redis.command::<()>(&["ACL", "SETUSER", "app", "on", ">pass", "~*", "+@all", "-role"]);
    let url = format!("redis://app:pass@127.0.0.1:{}", redis.port());
    let store = RedisStore::new(url).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2_500) {
        assert!(store.load(&random_key(), None).await.unwrap().is_none());
        sleep(Duration::from_millis(50)).await;
    }
    let info: String = redis.command(&["INFO", "commandstats"]);
    let role = info.lines().find(|line| line.starts_with("cmdstat_role")).unwrap_or_default();
    assert!(role.contains("rejected_calls=1,"), "{role}");
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_server_in_use_is_asked_for_its_role_once_a_second_at_most() {
    let redis = Redis::new();
    let store = RedisStore::new(redis.url()).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2_500) {
        assert!(store.load(&random_key(), None).await.unwrap().is_none());
    }
    let seconds = start.elapsed().as_secs();
    let info: String = redis.command(&["INFO", "commandstats"]);
    let calls = info.lines().find_map(|line| line.strip_prefix("cmdstat_role:calls=")).unwrap();
    let calls: u64 = calls.split(',').next().unwrap().parse().unwrap();
    // The first with the first answer, and one that began just before the end.
    assert!((2..=seconds + 2).contains(&calls), "{calls} in {seconds} s");
}
