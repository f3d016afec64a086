//! What happens to the store in Redis between it and the server: connections that are closed, cut,
//! silently dropped, slow.

use std::{
    hash::{BuildHasher, RandomState},
    io::ErrorKind,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use redis::{Client, aio::ConnectionManager};
use sessions::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Record, RecordKey, ReplaceOutcome, Revision,
    Store, StoreError,
};
use sessions_redis::{Connect, Connection, Pool, RedisStore};
use sessions_tests::{Proxy, Redis, is_full};
use tokio::time::{sleep, timeout};

const TTL: Duration = Duration::from_secs(60);
/// What `ServerSide` gives a call, unless told otherwise.
const CALL: Duration = Duration::from_millis(500);

fn key(number: u64) -> RecordKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RecordKey::from_bytes(bytes)
}

/// A record whose content is this number.
fn record(number: u64) -> Record {
    let (verifier, epoch) = ("A".repeat(43), "A".repeat(22));
    let text = format!("2 {verifier} {epoch} 0 0 60 - - - -\n{{\"n\":{number}}}");
    Record::from_bytes(text.as_bytes()).expect("the format of a record")
}

/// `SplitMix64`: the same numbers in every run of a seed.
fn random_numbers(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

async fn content<C: Connect>(store: &RedisStore<C>, number: u64) -> Option<(Record, Revision)> {
    let loaded = store.load(&key(number), None).await.expect("the server is up");
    loaded.map(|loaded| (Record::clone(&loaded.record), loaded.revision))
}

/// Creates a record, and returns its revision.
async fn create<C: Connect>(store: &RedisStore<C>, number: u64, record: &Record) -> Revision {
    match store.create(&key(number), record, TTL).await.expect("it is done") {
        CreateOutcome::Created(revision) => revision,
        CreateOutcome::Exists => panic!("another record has the key"),
    }
}

fn through(proxy: &Proxy) -> RedisStore {
    RedisStore::new(format!("redis://127.0.0.1:{}", proxy.port())).expect("an address")
}

async fn each_operation_succeeds_once<C: Connect>(
    store: &RedisStore<C>,
    number: u64,
    mut before_each: impl AsyncFnMut(),
) {
    let key = key(number);
    before_each().await;
    let first = create(store, number, &record(1)).await;
    before_each().await;
    let created = store.create(&key, &record(2), TTL).await.expect("it is done");
    assert_eq!(created, CreateOutcome::Exists);
    before_each().await;
    assert_eq!(content(store, number).await, Some((record(1), first)));
    before_each().await;
    let replaced = store.replace(&key, first, &record(3), TTL).await.expect("it is done");
    assert_eq!(replaced, ReplaceOutcome::Replaced(first.next()));
    before_each().await;
    let replaced = store.replace(&key, first, &record(4), TTL).await.expect("it is done");
    assert_eq!(replaced, ReplaceOutcome::Conflict);
    assert_eq!(content(store, number).await, Some((record(3), first.next())));
    before_each().await;
    assert_eq!(store.delete_if(&key, first).await.expect("it is done"), DeleteIfOutcome::Conflict);
    before_each().await;
    // The second time it may find its own work.
    let deleted = store.delete(&key).await.expect("it is done");
    assert!(matches!(deleted, DeleteOutcome::Deleted | DeleteOutcome::Absent));
    assert_eq!(content(store, number).await, None);
    before_each().await;
    let replaced = store.replace(&key, first, &record(5), TTL).await.expect("it is done");
    assert_eq!(replaced, ReplaceOutcome::Gone);
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_connection_that_was_closed_while_idle_is_no_error() {
    let redis = Redis::with(&["timeout 1"]);
    // A round: each operation after the server has closed what was idle for its second.
    let wait_for_close = async || {
        let clients = || -> String { redis.command(&["CLIENT", "LIST"]) };
        while clients().lines().count() > 1 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let own = RedisStore::new(redis.url()).unwrap();
    let client = Client::open(redis.url()).unwrap();
    let managed =
        RedisStore::from_connection(ConnectionManager::new(client.clone()).await.unwrap());
    let kept = client.get_multiplexed_async_connection().await.unwrap();
    let kept = Arc::new(std::sync::Mutex::new(vec![kept]));
    // Takes the one that is kept first: it may be dead.
    let pool = RedisStore::from_connection(Pool::new(move || {
        let (kept, client) = (Arc::clone(&kept), client.clone());
        async move {
            let first = kept.lock().unwrap().pop();
            match first {
                Some(first) => Ok(first),
                None => {
                    client.get_multiplexed_async_connection().await.map_err(StoreError::unavailable)
                }
            }
        }
    }));
    wait_for_close().await;
    assert_eq!(content(&pool, 1).await, None);
    for number in 1..=2 {
        // Only the first operation finds a closed connection, or each of them.
        let mut rounds = if number == 1 { 1 } else { usize::MAX };
        let mut before = async || {
            if rounds > 0 {
                rounds -= 1;
                wait_for_close().await;
            }
        };
        if number == 1 {
            each_operation_succeeds_once(&managed, number, &mut before).await;
        }
        each_operation_succeeds_once(&own, number, &mut before).await;
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_call_whose_answer_is_cut_is_done_once() {
    let redis = Redis::new();
    let proxy = Proxy::before(redis.port());
    let store = through(&proxy);
    let mut cuts = 0;
    for bytes in 0..12 {
        each_operation_succeeds_once(&store, bytes as u64, async || {
            // Some answers are shorter: their cut is left to the next one.
            if !proxy.will_cut() {
                cuts += 1;
                // Made before: what is cut is the answer, not the greeting.
                content(&store, u64::MAX).await;
                proxy.cut_after(bytes);
            }
        })
        .await;
    }
    println!("cut {cuts} answers");
    assert!(cuts > 12 * 4);
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_write_that_is_sent_twice_while_others_write_is_done_once() {
    let redis = Redis::new();
    let proxy = Proxy::before(redis.port());
    let (cut, other) = (through(&proxy), RedisStore::new(redis.url()).unwrap());
    let key = key(1);
    let mut revision = create(&cut, 1, &record(0)).await;
    for round in 1..=7 {
        // The answer is held back, and then lost, after the write is done.
        proxy.delay(Duration::from_millis(200));
        proxy.cut_after(0);
        let written = record(100 + round);
        let write = cut.replace(&key, revision, &written, TTL);
        let others = async {
            while content(&other, 1).await.unwrap().1 == revision {
                tokio::task::yield_now().await;
            }
            let mut latest = revision.next();
            for _ in 0..round {
                let replaced = other.replace(&key, latest, &record(round), TTL).await.unwrap();
                latest = latest.next();
                assert_eq!(replaced, ReplaceOutcome::Replaced(latest));
            }
            proxy.delay(Duration::ZERO);
            latest
        };
        let (replaced, latest) = futures_util::future::join(write, others).await;
        assert_eq!(replaced.unwrap(), ReplaceOutcome::Replaced(revision.next()), "{round}");
        assert_eq!(content(&other, 1).await, Some((record(round), latest)));
        revision = latest;
    }
}

/// After a cut, a store waits before it connects again.
async fn until_it_answers(store: &RedisStore) {
    let answers = async {
        while store.load(&key(0), None).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), answers).await.expect("the store comes back");
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn an_answer_is_never_taken_for_a_later_call_s() {
    let redis = Redis::new();
    let proxy = Proxy::before(redis.port());
    let store = through(&proxy);
    let direct = RedisStore::new(redis.url()).unwrap();
    let records = 64;
    for number in 0..records {
        direct.create(&key(number), &record(number), TTL).await.unwrap();
    }
    let seed = RandomState::new().hash_one("seed");
    println!("seed {seed:#x}");
    let mut random = random_numbers(seed);
    let rounds = if is_full() { 200 } else { 20 };
    let (mut answered, mut given_up) = (0, 0);
    for _ in 0..rounds {
        proxy.delay(Duration::ZERO);
        proxy.drip(false);
        until_it_answers(&store).await;
        proxy.delay(Duration::from_millis(random() % 30));
        proxy.drip(random().is_multiple_of(4));
        if random().is_multiple_of(8) {
            proxy.cut_after(usize::try_from(random() % 100).unwrap());
        }
        let calls = (0..100).map(|_| {
            let (number, patience) = (random() % records, Duration::from_millis(random() % 40));
            let key = key(number);
            let store = &store;
            async move {
                let loaded = timeout(patience, store.load(&key, None)).await;
                match loaded {
                    Ok(Ok(loaded)) => {
                        assert_eq!(*loaded.unwrap().record, record(number));
                        true
                    }
                    // Cut twice, or given up.
                    Ok(Err(StoreError::Unavailable { .. })) | Err(_) => false,
                    Ok(Err(err)) => panic!("{err:?}"),
                }
            }
        });
        let done = join_all(calls).await;
        answered += done.iter().filter(|answered| **answered).count();
        given_up += done.iter().filter(|answered| !**answered).count();
    }
    println!("{answered} answered, all with their own; {given_up} given up");
    assert!(answered > 0 && given_up > 0);
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_connection_that_falls_silent_is_replaced() {
    let redis = Redis::new();
    let proxy = Proxy::before(redis.port());
    let store = through(&proxy);
    each_operation_succeeds_once(&store, 1, async || {}).await;
    assert_eq!(proxy.accepted(), 1);
    proxy.forget_connections();
    let start = Instant::now();
    while !matches!(timeout(CALL, store.load(&key(1), None)).await, Ok(Ok(None))) {
        assert!(start.elapsed() < Duration::from_secs(3), "the silent connection is kept");
    }
    println!("replaced after {:?}", start.elapsed());
    assert_eq!(proxy.accepted(), 2);
    each_operation_succeeds_once(&store, 2, async || {}).await;
    assert_eq!(proxy.accepted(), 2);
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn connecting_to_nothing_fails_in_time_and_says_why() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let guarded = Redis::with(&["requirepass secret"]);
    let port = guarded.port();
    let wrong = format!("redis://:wrong-password@127.0.0.1:{port}");
    let cases = [
        (format!("redis://{closed}"), "refused"),
        (format!("redis://{}", mute.local_addr().unwrap()), "did not answer"),
        (wrong.clone(), "authentication failed"),
        (guarded.url(), "NOAUTH"),
    ];
    for (url, reason) in cases {
        let start = Instant::now();
        let connected = RedisStore::connect(url.as_str()).await;
        assert!(start.elapsed() < Duration::from_millis(1500), "{url}");
        let err = connected.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::NotConnected, "{url}");
        let err = err.to_string();
        println!("{err}");
        assert!(err.to_lowercase().contains(&reason.to_lowercase()), "{err}");
        assert!(!err.contains("wrong-password"), "{err}");
    }
    let err = RedisStore::new("http://127.0.0.1").unwrap_err();
    println!("{err}");
    assert_eq!(err.kind(), ErrorKind::InvalidInput);
    let connection = Connection::new(wrong).unwrap();
    let shown = format!("{connection:?} {:?}", RedisStore::from_connection(connection.clone()));
    assert!(!shown.contains("wrong-password"), "{shown}");
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn a_store_outlives_the_runtime_it_was_made_in() {
    let redis = Redis::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime().block_on(RedisStore::connect(redis.url())).unwrap();
    for number in 0..3 {
        runtime().block_on(each_operation_succeeds_once(&store, number, async || {}));
    }
    // Made outside of any.
    let store = RedisStore::new(redis.url()).unwrap();
    runtime().block_on(each_operation_succeeds_once(&store, 9, async || {}));
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn each_runtime_has_one_connection_which_ends_with_it() {
    let redis = Redis::new();
    let store = RedisStore::new(redis.url()).unwrap();
    // One is that of the command itself.
    let connections = || redis.command::<String>(&["CLIENT", "LIST"]).lines().count() - 1;
    let settles_at = |expected| {
        let start = Instant::now();
        while connections() != expected {
            assert!(start.elapsed() < Duration::from_secs(5), "{}", connections());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let loads = async |times| {
        let one = async || assert_eq!(content(&store.clone(), 1).await, None);
        join_all((0..times).map(|_| one())).await;
    };

    let (first, second) = (runtime(), runtime());
    first.block_on(loads(20));
    assert_eq!(connections(), 1);
    second.block_on(loads(20));
    assert_eq!(connections(), 2);
    // The other one stands still.
    first.block_on(loads(20));
    assert_eq!(connections(), 2);
    drop(first);
    settles_at(1);
    second.block_on(loads(20));

    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let many = many.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            many.spawn(async move { content(&store, 1).await })
        })
        .collect();
    many.block_on(join_all(tasks)).into_iter().for_each(|read| assert_eq!(read.unwrap(), None));
    assert_eq!(connections(), 2);

    std::thread::scope(|scope| {
        for number in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..20 {
                    let number = 100 + number * 20 + round;
                    runtime().block_on(each_operation_succeeds_once(store, number, async || {}));
                }
            });
        }
    });
    second.block_on(loads(20));
    drop((second, many));
    settles_at(0);
}
