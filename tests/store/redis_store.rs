//! The store in Redis keeps the contract of a store, whatever its connection and whatever its
//! server is set to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{Client, aio::ConnectionManager};
use sessions::{
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, OwnerIndex, RecordKey, ReplaceOutcome,
        Revision, Store, StoreError, Timestamp, Touch,
    },
    test::store::{conformance, conformance_when_full, owner_key, random_key, record, record_of},
};
use sessions_redis::{Connect, Connection, Pool, RedisStore};
use sessions_tests::{Redis, RedisCluster, reliability};

const TTL: Duration = Duration::from_secs(60);

fn store(redis: &Redis) -> RedisStore {
    RedisStore::new(redis.url()).expect("an address")
}

fn name(key: &RecordKey) -> String {
    format!("session:{key}")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn one_node_keeps_the_contract() {
    let redis = Redis::new();
    conformance(RedisStore::connect(redis.url()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn every_history_has_an_order() {
    let redis = Redis::new();
    reliability::every_history_has_an_order("redis", store(&redis)).await;
    let cluster = RedisCluster::new();
    let store = RedisStore::connect_cluster(cluster.urls()).await.unwrap();
    reliability::every_history_has_an_order("cluster", store).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_cluster_keeps_the_contract() {
    let cluster = RedisCluster::new();
    // One node knows the others.
    let store = RedisStore::connect_cluster(cluster.urls().into_iter().take(1)).await.unwrap();
    conformance(store.clone()).await;
    for _ in 0..100 {
        store.create(&random_key(), &record("{}"), TTL).await.unwrap();
    }
    let kept: Vec<_> = cluster.nodes.iter().map(|node| node.dump().len()).collect();
    assert!(kept.iter().all(|kept| *kept > 10), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn an_application_s_own_connections_keep_the_contract() {
    let redis = Redis::new();
    let client = Client::open(redis.url()).unwrap();
    let manager = ConnectionManager::new(client.clone()).await.unwrap();
    conformance(RedisStore::from_connection(manager).with_prefix("managed:")).await;

    // A pool of four that hands them out by turns.
    let mut pool = Vec::new();
    for _ in 0..4 {
        pool.push(client.get_multiplexed_async_connection().await.unwrap());
    }
    let (pool, turns) = (Arc::new(pool), AtomicUsize::new(0));
    let pool = Pool::new(move || {
        let turn = turns.fetch_add(1, Ordering::Relaxed) % pool.len();
        std::future::ready(Ok(pool[turn].clone()))
    });
    conformance(RedisStore::from_connection(pool).with_prefix("pooled:")).await;

    let names: Vec<_> = redis.dump().into_keys().collect();
    let ours = |name: &String| name.starts_with("managed:") || name.starts_with("pooled:");
    assert!(names.iter().all(ours), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_full_node_keeps_the_contract() {
    let redis = Redis::with(&["maxmemory 4mb", "maxmemory-policy noeviction"]);
    conformance_when_full(store(&redis)).await;
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn everything_that_is_kept_expires() {
    let redis = Redis::new();
    let store = store(&redis);
    let (key, owner) = (random_key(), owner_key("alice"));
    store.create(&key, &record("{}"), TTL).await.unwrap();
    store.replace(&key, Revision::FIRST, &record("{}"), TTL).await.unwrap();
    store.add(&owner, &key, TTL).await.unwrap();
    store.revoke_before(&owner, Timestamp::new(5), TTL).await.unwrap();
    let names: Vec<_> = redis.dump().into_keys().collect();
    assert_eq!(names.len(), 3);
    for name in &names {
        let left: i64 = redis.command(&["PTTL", name]);
        assert!((1..=60_000).contains(&left), "{name}: {left}");
    }
    // The index is kept for as long as its longest entry.
    store.add(&owner, &random_key(), 2 * TTL).await.unwrap();
    store.add(&owner, &random_key(), Duration::from_millis(1)).await.unwrap();
    let index = names.iter().find(|name| name.ends_with(":sessions")).unwrap();
    assert!(redis.command::<i64>(&["PTTL", index]) > 60_000);
    let later = Instant::now() + Duration::from_millis(20);
    while Instant::now() < later {
        tokio::task::yield_now().await;
    }
    store.add(&owner, &key, TTL).await.unwrap();
    assert_eq!(redis.command::<u32>(&["ZCARD", index]), 2, "who is over is forgotten");
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_load_touches_when_it_is_due_and_writes_nothing_else() {
    let redis = Redis::new();
    let store = store(&redis);
    let key = random_key();
    store.create(&key, &record("{}"), TTL).await.unwrap();
    let (kept, mut requests) = (redis.dump(), redis.listen());
    let touch = |seconds, interval| Touch {
        ttl: Duration::from_secs(seconds),
        interval: Duration::from_secs(interval),
    };
    // Longer and shorter than it was kept for, and the same.
    for (touch, touched) in [(touch(60, 10), false), (touch(90, 10), true), (touch(30, 10), true)] {
        let loaded = store.load(&key, Some(touch)).await.unwrap().unwrap();
        assert_eq!(loaded.touched, touched, "{touch:?}");
        assert_eq!(loaded.touched, touch.is_due(TTL));
        let off = touch.ttl.abs_diff(loaded.expires_in);
        assert!(off < Duration::from_secs(1), "{touch:?}: {:?}", loaded.expires_in);
        redis.command::<()>(&["PEXPIRE", &name(&key), "60000"]);
    }
    assert!(store.load(&random_key(), Some(touch(60, 10))).await.unwrap().is_none());
    assert_eq!(redis.dump(), kept);
    let asked = requests.take();
    assert_eq!(asked.iter().filter(|request| request.starts_with("evalsha")).count(), 4);
    assert_eq!(asked.iter().filter(|request| request.starts_with("eval ")).count(), 1);
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn what_is_no_record_is_corrupt_and_stays() {
    let redis = Redis::new();
    let store = store(&redis);
    let garbage: [&[&str]; 7] = [
        &["SET", "?", "text"],
        &["RPUSH", "?", "a", "b"],
        &["ZADD", "?", "1", "a"],
        &["HSET", "?", "x", "1"],
        &["HSET", "?", "r", "1"],
        &["HSET", "?", "r", "first", "d", "1 A"],
        &["HSET", "?", "r", "1", "d", "\u{fffd}"],
    ];
    for words in garbage {
        let key = random_key();
        let name = name(&key);
        let words: Vec<_> =
            words.iter().map(|word| if *word == "?" { &*name } else { word }).collect();
        redis.command::<()>(&words);
        redis.command::<()>(&["PEXPIRE", &name, "60000"]);
        let loaded = store.load(&key, None).await;
        assert!(matches!(loaded, Err(StoreError::Corrupt { .. })), "{words:?}: {loaded:?}");
        let created = store.create(&key, &record("{}"), TTL).await.unwrap();
        assert_eq!(created, CreateOutcome::Exists, "{words:?}");
        let replaced = store.replace(&key, Revision::new(9), &record("{}"), TTL).await;
        let left = match replaced {
            Err(StoreError::Corrupt { .. }) => true,
            Ok(outcome) => outcome != ReplaceOutcome::Replaced(Revision::new(10)),
            Err(_) => false,
        };
        assert!(left, "{words:?}: {replaced:?}");
        let deleted = store.delete_if(&key, Revision::new(9)).await;
        assert!(!matches!(deleted, Ok(DeleteIfOutcome::Deleted)), "{words:?}");
        assert_eq!(redis.command::<u32>(&["EXISTS", &name]), 1);
        assert_eq!(store.delete(&key).await.unwrap(), DeleteOutcome::Deleted, "{words:?}");
    }
    // A record of ours that never expires was tampered with.
    let key = random_key();
    store.create(&key, &record("{}"), TTL).await.unwrap();
    redis.command::<()>(&["PERSIST", &name(&key)]);
    let loaded = store.load(&key, None).await;
    assert!(matches!(loaded, Err(StoreError::Corrupt { .. })), "{loaded:?}");
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_durable_deletion_waits_for_replicas_and_says_when_there_are_too_few() {
    let redis = Redis::new();
    let store = store(&redis);
    let hasty = store.clone().durable_delete(1, Duration::from_millis(200));
    let patient = store.clone().durable_delete(1, TTL);
    let key = random_key();
    store.create(&key, &record("{}"), TTL).await.unwrap();
    let alone = hasty.delete(&key).await;
    assert!(matches!(alone, Err(StoreError::Unavailable { .. })), "{alone:?}");
    assert!(store.load(&key, None).await.unwrap().is_none(), "it is deleted all the same");

    let replica = redis.replica();
    for _ in 0..20 {
        let key = random_key();
        store.create(&key, &record("{}"), TTL).await.unwrap();
        assert_eq!(patient.delete(&key).await.unwrap(), DeleteOutcome::Deleted);
        assert_eq!(replica.command::<u32>(&["EXISTS", &name(&key)]), 0);
    }
    store.create(&key, &record("{}"), TTL).await.unwrap();
    replica.stall();
    let stalled = hasty.delete(&key).await;
    replica.resume();
    assert!(matches!(stalled, Err(StoreError::Unavailable { .. })), "{stalled:?}");
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_replica_is_read_and_takes_no_writes() {
    let redis = Redis::new();
    let replica = redis.replica();
    let (primary, store) = (store(&redis), store(&replica));
    let (key, owner) = (random_key(), owner_key("alice"));
    primary.create(&key, &record_of(owner, "{}"), TTL).await.unwrap();
    while replica.dump() != redis.dump() {
        tokio::task::yield_now().await;
    }
    let touch = Touch { ttl: 10 * TTL, interval: TTL };
    let loaded = store.load(&key, Some(touch)).await.unwrap().unwrap();
    assert!(!loaded.touched);
    assert!(store.keys(&owner).await.unwrap().is_empty());

    let writes = [
        store.create(&random_key(), &record("{}"), TTL).await.err(),
        store.replace(&key, loaded.revision, &loaded.record, TTL).await.err(),
        store.delete(&key).await.err(),
        store.delete_if(&key, loaded.revision).await.err(),
        store.add(&owner, &key, TTL).await.err(),
        store.remove(&owner, &key).await.err(),
        store.revoke_before(&owner, Timestamp::new(1), TTL).await.err(),
    ];
    for err in writes {
        assert!(matches!(err, Some(StoreError::ReadOnly { .. })), "{err:?}");
    }
}

/// Runs the scripts, one after the other. A machine that is busy lets a call take too long.
async fn run_scripts<C: Connect>(store: &RedisStore<C>) -> Result<(), StoreError> {
    let key = random_key();
    store.create(&key, &record("{}"), TTL).await?;
    let loaded = store.load(&key, None).await?.expect("it was created");
    let replaced = store.replace(&key, loaded.revision, &loaded.record, TTL).await?;
    assert_eq!(replaced, ReplaceOutcome::Replaced(Revision::FIRST.next()));
    let deleted = store.delete_if(&key, Revision::FIRST.next()).await?;
    assert_eq!(deleted, DeleteIfOutcome::Deleted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn scripts_that_the_server_forgets_meanwhile_are_sent_again() {
    let redis = Redis::new();
    let cluster = RedisCluster::new();
    let one = store(&redis);
    let many = RedisStore::connect_cluster(cluster.urls()).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let flushing = Arc::clone(&done);
    let flush = tokio::task::spawn_blocking(move || {
        let mut flushed = 0;
        while !flushing.load(Ordering::SeqCst) {
            for server in cluster.nodes.iter().chain([&redis]) {
                server.command::<()>(&["SCRIPT", "FLUSH"]);
                flushed += 1;
            }
        }
        flushed
    });
    let mut late = 0;
    for _ in 0..300 {
        for outcome in [run_scripts(&one).await, run_scripts(&many).await] {
            match outcome {
                Ok(()) => {}
                Err(StoreError::Timeout) => late += 1,
                Err(err) => panic!("{err:?}"),
            }
        }
    }
    done.store(true, Ordering::SeqCst);
    let flushed = flush.await.unwrap();
    println!("600 rounds, {late} too late, scripts forgotten {flushed} times meanwhile");
    assert!(late < 60);
}

/// The rules of a user as the documentation of the crate gives them.
fn documented_acl() -> Vec<String> {
    let docs = include_str!("../../sessions-redis/src/lib.rs");
    let docs: String =
        docs.lines().filter_map(|line| line.strip_prefix("//! ")).collect::<Vec<_>>().join(" ");
    let (_, acl) = docs.split_once("- ACL: ").expect("the documentation has an ACL");
    let (acl, _) = acl.split_once(". ").or_else(|| acl.split_once(".\u{20}")).unwrap_or((acl, ""));
    let rules = acl.split(|c: char| c.is_whitespace() || c == '`' || c == ',' || c == '.');
    rules.filter(|word| word.starts_with(['+', '~'])).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn the_documented_acl_suffices_and_no_rule_of_it_is_spare() {
    let redis = Redis::new();
    let replica = redis.replica();
    let rules = documented_acl();
    println!("{}", rules.join(" "));
    let store_of = async |rules: &[String]| {
        redis.command::<()>(&["ACL", "SETUSER", "app", "reset", "on", ">pass"]);
        for rule in rules {
            redis.command::<()>(&["ACL", "SETUSER", "app", rule]);
        }
        let url = format!("redis://app:pass@127.0.0.1:{}", redis.port());
        RedisStore::connect(url).await
    };
    let does_all = async |store: RedisStore| -> Result<(), StoreError> {
        let (key, owner) = (random_key(), owner_key("alice"));
        store.create(&key, &record("{}"), TTL).await?;
        store.create(&key, &record("{}"), TTL).await?;
        let touch = Touch { ttl: 10 * TTL, interval: TTL };
        assert!(store.load(&key, Some(touch)).await?.is_some_and(|loaded| loaded.touched));
        store.replace(&key, Revision::FIRST, &record("{}"), TTL).await?;
        store.delete_if(&key, Revision::new(2)).await?;
        store.add(&owner, &key, TTL).await?;
        store.keys(&owner).await?;
        store.revoke_before(&owner, Timestamp::new(1), TTL).await?;
        store.revoked_before(&owner).await?;
        store.remove(&owner, &key).await?;
        store.delete(&key).await?;
        store.durable_delete(1, TTL).delete(&key).await.map(drop)
    };
    does_all(store_of(&rules).await.unwrap()).await.unwrap();
    conformance(store_of(&rules).await.unwrap()).await;
    for spare in &rules {
        redis.command::<()>(&["SCRIPT", "FLUSH"]);
        let others: Vec<_> = rules.iter().filter(|rule| *rule != spare).cloned().collect();
        let refused = match store_of(&others).await {
            Ok(store) => does_all(store).await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "{spare} is not needed");
    }
    drop(replica);
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn what_connections_of_the_application_say_is_told_apart() {
    let redis = Redis::new();
    let connection = Connection::new(redis.url()).unwrap();
    let store = RedisStore::from_connection(connection.clone());
    let key = random_key();
    store.create(&key, &record("{}"), TTL).await.unwrap();
    // As long as fewer than two replicas are linked.
    redis.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "2"]);
    let err = store.delete(&key).await.unwrap_err();
    assert!(matches!(err, StoreError::ReadOnly { .. }), "{err:?}");
    let err = store.create(&random_key(), &record("{}"), TTL).await.unwrap_err();
    assert!(matches!(err, StoreError::ReadOnly { .. }), "{err:?}");
    assert!(store.load(&key, None).await.unwrap().is_some());
}
