//! The store in Redis keeps the contract of a store, whatever its connection and whatever its
//! server is set to.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{Client, aio::ConnectionManager};
use sessions::{
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Ended, OwnerIndex, RecordKey,
        ReplaceOutcome, Revision, Store, StoreError, Timestamp, Touch,
    },
    test::store::{conformance, conformance_when_full, owner_key, random_key, record, record_of},
};
use sessions_redis::{Connect, Connection, Pool, RedisStore};
use sessions_tests::{Redis, RedisCluster, reliability};

const TTL: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(1);

fn store(redis: &Redis) -> RedisStore {
    RedisStore::new(redis.url()).expect("an address")
}

/// Creates a record, and returns its revision.
async fn create<C: Connect>(
    store: &RedisStore<C>,
    key: &RecordKey,
) -> Result<Revision, StoreError> {
    match store.create(key, &record("{}"), TTL).await? {
        CreateOutcome::Created(revision) => Ok(revision),
        CreateOutcome::Exists => panic!("another record has the key"),
    }
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
    let revision = create(&store, &key).await.unwrap();
    store.replace(&key, revision, &record("{}"), TTL).await.unwrap();
    store.add(&owner, &key, TTL).await.unwrap();
    store.end_before(&owner, None, TTL).await.unwrap();
    let names: Vec<_> = redis.dump().into_keys().collect();
    assert_eq!(names.len(), 3);
    for name in &names {
        let left: i64 = redis.command(&["PTTL", name]);
        assert!((1..=60_000).contains(&left), "{name}: {left}");
    }
    // The index is kept for as long as its longest entry, and each entry for the longest of its times.
    let longest = random_key();
    for (key, ttl) in [(longest, 2 * TTL), (longest, MOMENT), (key, MOMENT), (random_key(), MOMENT)]
    {
        store.add(&owner, &key, ttl).await.unwrap();
    }
    let index = names.iter().find(|name| name.ends_with(":sessions")).unwrap();
    assert!(redis.command::<i64>(&["PTTL", index]) > 60_000);
    let later = Instant::now() + 20 * MOMENT;
    while Instant::now() < later {
        tokio::task::yield_now().await;
    }
    store.add(&owner, &longest, MOMENT).await.unwrap();
    let mut kept = store.keys(&owner).await.unwrap();
    kept.sort_by_key(|kept| *kept == longest);
    assert_eq!(kept, [key, longest], "an entry expires after its time and not before");
    // So is the moment of the last end.
    let moment = names.iter().find(|name| name.ends_with(":ended")).unwrap();
    for ttl in [2 * TTL, MOMENT] {
        store.end_before(&owner, None, ttl).await.unwrap();
        assert!(redis.command::<i64>(&["PTTL", moment]) > 60_000);
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn no_revision_is_used_twice_for_a_key() {
    let redis = Redis::new();
    let store = store(&redis);
    let (key, record) = (random_key(), record("{}"));
    let mut used = HashSet::new();
    for round in 0..200 {
        let mut revision = create(&store, &key).await.unwrap();
        for _ in 0..5 {
            assert!(used.insert(revision), "{revision:?} in round {round}");
            match store.replace(&key, revision, &record, TTL).await.unwrap() {
                ReplaceOutcome::Replaced(next) => revision = next,
                outcome => panic!("{outcome:?}"),
            }
        }
        assert!(used.insert(revision), "{revision:?} in round {round}");
        store.delete(&key).await.unwrap();
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn all_times_are_the_server_s() {
    let redis = Redis::new();
    let store = store(&redis);
    let owner = owner_key("alice");
    let time = || -> u64 {
        let (seconds, micros): (u64, u64) = redis.command(&["TIME"]);
        seconds * 1_000_000 + micros
    };
    let mut last = time();
    // Rounding to milliseconds is seen in one round of two.
    for _ in 0..20 {
        let key = random_key();
        let revision = create(&store, &key).await.unwrap().get();
        let loaded = store.load(&key, None).await.unwrap().unwrap().now;
        let added = store.add(&owner, &key, TTL).await.unwrap().now;
        let ended = store.end_before(&owner, None, TTL).await.unwrap().at;
        let looked = store.state(&owner).await.unwrap().now;
        for next in [revision, loaded.get(), added.get(), ended.get(), looked.get(), time()] {
            assert!(last < next, "{last} {next}");
            last = next;
        }
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn an_end_is_later_than_the_one_before_even_if_the_clock_is_not() {
    let redis = Redis::new();
    let store = store(&redis);
    let owner = owner_key("alice");
    let now = store.state(&owner).await.unwrap().now;
    // A primary that failed had a clock ahead of this one's.
    let ahead = Timestamp::new(now.get() + 3_600_000_000);
    let end = async |up_to| store.end_before(&owner, up_to, TTL).await.unwrap();
    assert_eq!(end(Some(ahead)).await, Ended { previous: None, at: ahead });
    assert_eq!(end(None).await, Ended { previous: Some(ahead), at: ahead.next() });
    assert_eq!(end(Some(now)).await, Ended { previous: Some(ahead.next()), at: ahead.next() });
    assert_eq!(store.state(&owner).await.unwrap().ended_before, Some(ahead.next()));
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn the_longest_time_is_no_error() {
    let redis = Redis::new();
    let store = store(&redis);
    let (key, owner) = (random_key(), owner_key("alice"));
    let created = store.create(&key, &record("{}"), Duration::MAX).await.unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
    assert!(store.load(&key, None).await.unwrap().is_some());
    for _ in 0..2 {
        store.add(&owner, &key, Duration::MAX).await.unwrap();
        store.end_before(&owner, None, Duration::MAX).await.unwrap();
    }
    assert_eq!(store.keys(&owner).await.unwrap(), [key]);
    assert!(store.state(&owner).await.unwrap().ended_before.is_some());
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
    for (touch, touched) in [(touch(60, 10), false), (touch(90, 10), true), (touch(30, 10), false)]
    {
        let loaded = store.load(&key, Some(touch)).await.unwrap().unwrap();
        assert_eq!(loaded.touched, touched, "{touch:?}");
        assert_eq!(loaded.touched, touch.is_due(TTL));
        let off = touch.ttl.max(TTL).abs_diff(loaded.expires_in);
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
    for conditional in [false, true] {
        // Both wait, whether the revision is compared or not.
        let delete = async |store: &RedisStore, key: &RecordKey, revision| {
            if !conditional {
                return store.delete(key).await.map(|outcome| outcome == DeleteOutcome::Deleted);
            }
            let outcome = store.delete_if(key, revision).await?;
            Ok(outcome == DeleteIfOutcome::Deleted)
        };
        let key = random_key();
        let revision = create(&store, &key).await.unwrap();
        let alone = delete(&hasty, &key, revision).await;
        assert!(matches!(alone, Err(StoreError::Unavailable { .. })), "{alone:?}");
        assert!(store.load(&key, None).await.unwrap().is_none(), "it is deleted all the same");

        let replica = redis.replica();
        // The server need not know the script.
        redis.command::<()>(&["SCRIPT", "FLUSH"]);
        let mut requests = redis.listen();
        for _ in 0..20 {
            let key = random_key();
            let revision = create(&store, &key).await.unwrap();
            requests.take();
            assert!(delete(&patient, &key, revision).await.unwrap());
            let sent = requests.take();
            assert_eq!(sent.len(), 2, "one pipeline: {sent:?}");
            assert_eq!(sent[1], "wait 1");
            assert_eq!(replica.command::<u32>(&["EXISTS", &name(&key)]), 0);
        }
        let revision = create(&store, &key).await.unwrap();
        replica.stall();
        let conflict = hasty.delete_if(&key, revision.next()).await;
        let stalled = delete(&hasty, &key, revision).await;
        replica.resume();
        assert_eq!(conflict.unwrap(), DeleteIfOutcome::Conflict, "nothing is to be confirmed");
        assert!(matches!(stalled, Err(StoreError::Unavailable { .. })), "{stalled:?}");
    }
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
    assert_eq!(store.state(&owner).await.unwrap().ended_before, None);

    let durable = store.clone().durable_delete(1, TTL);
    let writes = [
        store.create(&random_key(), &record("{}"), TTL).await.err(),
        store.replace(&key, loaded.revision, &loaded.record, TTL).await.err(),
        store.delete(&key).await.err(),
        store.delete_if(&key, loaded.revision).await.err(),
        store.add(&owner, &key, TTL).await.err(),
        store.remove(&owner, &key).await.err(),
        store.end_before(&owner, None, TTL).await.err(),
        durable.delete(&key).await.err(),
        durable.delete_if(&key, loaded.revision).await.err(),
    ];
    for err in writes {
        assert!(matches!(err, Some(StoreError::ReadOnly { .. })), "{err:?}");
    }
}

/// Runs the scripts, one after the other. A machine that is busy lets a call take too long.
async fn run_scripts<C: Connect>(store: &RedisStore<C>) -> Result<(), StoreError> {
    let key = random_key();
    let first = create(store, &key).await?;
    let loaded = store.load(&key, None).await?.expect("it was created");
    let replaced = store.replace(&key, loaded.revision, &loaded.record, TTL).await?;
    assert_eq!(replaced, ReplaceOutcome::Replaced(first.next()));
    let deleted = store.delete_if(&key, first.next()).await?;
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
        let first = create(&store, &key).await?;
        store.create(&key, &record("{}"), TTL).await?;
        let touch = Touch { ttl: 10 * TTL, interval: TTL };
        assert!(store.load(&key, Some(touch)).await?.is_some_and(|loaded| loaded.touched));
        store.replace(&key, first, &record("{}"), TTL).await?;
        store.delete_if(&key, first.next()).await?;
        store.add(&owner, &key, TTL).await?;
        store.keys(&owner).await?;
        store.end_before(&owner, None, TTL).await?;
        store.state(&owner).await?;
        store.remove(&owner, &key).await?;
        store.delete(&key).await?;
        store.ready().await.map_err(StoreError::unavailable)?;
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
