//! Which policy of eviction a server has, and what it evicts first.

use std::time::Duration;

use sessions::{
    store::{OwnerIndex, RecordKey, Store, StoreError},
    test::store::{owner_key, random_key, record, record_of},
};
use sessions_redis::RedisStore;
use sessions_tests::{Logged, Redis};
use tracing::Level;

const TTL: Duration = Duration::from_secs(14 * 24 * 3_600);
const MEMORY: &str = "maxmemory 5mb";

/// Logs an owner in.
async fn log_in(store: &RedisStore, owner: &str) -> Result<RecordKey, StoreError> {
    let (owner, key) = (owner_key(owner), random_key());
    store.add(&owner, &key, TTL).await?;
    store
        .create(&key, &record_of(owner, &format!("{{\"text\":\"{}\"}}", "x".repeat(400))), TTL)
        .await?;
    Ok(key)
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn under_eviction_owners_lose_the_index_and_the_end_of_their_sessions() {
    for policy in [
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
        "noeviction",
    ] {
        let redis = Redis::with(&[MEMORY, &format!("maxmemory-policy {policy}")]);
        let store = RedisStore::new(redis.url()).unwrap();
        let (mut keys, mut ended) = (Vec::new(), Vec::new());
        for number in 0..300 {
            let owner = format!("user-{number}");
            keys.push((owner.clone(), log_in(&store, &owner).await.unwrap()));
            let left = owner_key(&format!("left-{number}"));
            store.end_before(&left, None, TTL).await.unwrap();
            ended.push(left);
        }
        // Others log in while these use their sessions, until there is no room.
        for number in 0..6_000 {
            let _ = log_in(&store, &format!("other-{number}")).await;
            if number % 200 == 0 {
                for (_, key) in &keys {
                    store.load(key, None).await.unwrap();
                }
            }
        }
        let (mut missed, mut forgotten) = (0, 0);
        for (owner, key) in &keys {
            let is_there = store.load(key, None).await.unwrap().is_some();
            let found = store.keys(&owner_key(owner)).await.unwrap();
            missed += usize::from(is_there && found.is_empty());
        }
        for owner in &ended {
            let state = store.state(owner).await.unwrap();
            forgotten += usize::from(state.ended_before.is_none());
        }
        println!(
            "{policy}: of 300 sessions {missed} are not found by their owners, of 300 ends {forgotten} are forgotten"
        );
        assert_eq!(missed + forgotten > 0, policy != "noeviction", "{policy}");
    }
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_server_that_evicts_is_a_warning_and_not_ready() {
    let redis = Redis::with(&[MEMORY, "maxmemory-policy allkeys-lru"]);
    let logged = Logged::start();
    let store = RedisStore::connect(redis.url()).await.expect("it answers");
    let lines = logged.take_own();
    let warnings: Vec<_> = lines.iter().filter(|(level, _)| *level == Level::WARN).collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    let err = store.ready().await.expect_err("it evicts").to_string();
    assert_eq!(warnings[0].1, err);
    let server = format!("Redis at 127.0.0.1:{}", redis.port());
    for part in [&*server, "`allkeys-lru`", "set `maxmemory-policy noeviction`"] {
        assert!(err.contains(part), "{err}");
    }
    for policy in ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] {
        redis.command::<()>(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let err = store.ready().await.expect_err(policy).to_string();
        assert!(err.contains(policy), "{err}");
    }
    for fine in [["maxmemory-policy", "noeviction"], ["maxmemory", "0"]] {
        redis.command::<()>(&["CONFIG", "SET", fine[0], fine[1]]);
        store.ready().await.expect("it keeps all keys");
        RedisStore::connect(redis.url()).await.expect("it answers");
        assert_eq!(logged.take_own(), []);
        redis.command::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    }
    store.create(&random_key(), &record("{}"), TTL).await.expect("without a limit it has room");
}
