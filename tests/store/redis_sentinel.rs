//! Sentinels move the primary under an application that is in use.

use std::{
    io::ErrorKind,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use sessions::{
    store::{CreateOutcome, RecordKey, ReplaceOutcome, Revision, Store},
    test::store::{random_key, record},
};
use sessions_redis::{Connection, Credentials, RedisStore, Sentinel};
use sessions_tests::{
    Redis, Sentinels,
    load_driver::{LoadDriver, RECOVERY},
};

const TTL: Duration = Duration::from_secs(600);
/// Longer than `ServerSide` gives a call: no call fails because the machine is busy with other tests.
const CALL: Duration = Duration::from_secs(2);
const CLIENTS: usize = 20;

fn primary_of(sentinels: &Sentinels) -> Sentinel {
    Sentinel::new(sentinels.urls(), sentinels.name()).expect("addresses")
}

/// What came of the calls of several clients.
#[derive(Debug, Default)]
struct Counts {
    calls: usize,
    failed: usize,
    /// Writes that were acknowledged and are not there, and reads of an older state.
    wrong: usize,
}

/// A client that writes and reads one record, alone.
struct Client {
    store: RedisStore,
    key: RecordKey,
    revision: Option<Revision>,
    counts: Counts,
}

impl Client {
    async fn act(&mut self) {
        self.counts.calls += 1;
        match tokio::time::timeout(CALL, self.call()).await {
            Ok(Some(true)) => {}
            Ok(Some(false)) => self.counts.wrong += 1,
            Ok(None) | Err(_) => {
                self.counts.failed += 1;
                // It is not known what is there.
                self.key = random_key();
                self.revision = None;
            }
        }
    }

    /// Returns whether what is there is what was acknowledged, or `None` when the call failed.
    async fn call(&mut self) -> Option<bool> {
        let Some(revision) = self.revision else {
            let created = self.store.create(&self.key, &record("{}"), TTL).await.ok()?;
            let CreateOutcome::Created(revision) = created else { return Some(false) };
            self.revision = Some(revision);
            return Some(true);
        };
        if self.counts.calls.is_multiple_of(2) {
            let loaded = self.store.load(&self.key, None).await.ok()?;
            let there = loaded.map(|loaded| loaded.revision);
            if there.is_none() {
                self.key = random_key();
            }
            self.revision = there;
            return Some(there == Some(revision));
        }
        let replaced = self.store.replace(&self.key, revision, &record("{}"), TTL).await.ok()?;
        match replaced {
            ReplaceOutcome::Replaced(next) => self.revision = Some(next),
            ReplaceOutcome::Conflict | ReplaceOutcome::Gone => {
                self.key = random_key();
                self.revision = None;
            }
        }
        Some(matches!(replaced, ReplaceOutcome::Replaced(_)))
    }
}

/// Has clients of two workers at the store while `trouble` does what it does.
fn under_load(primary: &Sentinel, trouble: impl FnOnce()) -> Counts {
    let stop = Arc::new(AtomicBool::new(false));
    let workers = [(); 2].map(|()| {
        let (primary, stop) = (primary.clone(), Arc::clone(&stop));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let store = RedisStore::connect_sentinel(primary).await.expect("a primary");
                let clients = (0..CLIENTS / 2).map(async |_| {
                    let (store, key) = (store.clone(), random_key());
                    let mut client =
                        Client { store, key, revision: None, counts: Counts::default() };
                    while !stop.load(Ordering::SeqCst) {
                        client.act().await;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    client.counts
                });
                futures_util::future::join_all(clients).await
            })
        })
    });
    trouble();
    stop.store(true, Ordering::SeqCst);
    let counts = workers.into_iter().flat_map(|worker| worker.join().expect("nothing panicked"));
    counts.fold(Counts::default(), |sum, next| Counts {
        calls: sum.calls + next.calls,
        failed: sum.failed + next.failed,
        wrong: sum.wrong + next.wrong,
    })
}

fn servers(primary: Redis) -> Vec<Redis> {
    let replicas = [primary.replica(), primary.replica()];
    [primary].into_iter().chain(replicas).collect()
}

/// Has sentinels move the primary twice in order, and prints what came of the calls.
fn moved_twice(
    primary: Redis,
    what: &str,
    fail_over: impl Fn(&Redis, &Sentinels) -> Instant,
) -> Counts {
    let servers = servers(primary);
    let sentinels = Sentinels::watching(&servers[0], 2, &[]);
    let counts = under_load(&primary_of(&sentinels), || {
        for _ in 0..2 {
            thread::sleep(Duration::from_secs(1));
            let old = servers.iter().find(|server| Some(server.port()) == sentinels.primary());
            let old = old.expect("the sentinels agree");
            let start = Instant::now();
            let moved = fail_over(old, &sentinels);
            println!("the sentinels name another primary after {:?}", moved - start);
            // Until all servers have their place, and the sentinels take another order.
            old.wait_for_link();
        }
    });
    let Counts { calls, failed, wrong } = counts;
    println!("{what}: {calls} calls, {failed} failed, {wrong} wrong");
    counts
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn no_call_fails_when_sentinels_move_the_primary_in_order() {
    let what = "sentinels move the primary twice in order";
    let counts = moved_twice(Redis::new(), what, |_, sentinels| sentinels.fail_over());
    assert_eq!(counts.failed, 0);
    // The old primary takes writes for a moment after the new one has, and forgets them.
    assert!(counts.wrong <= 2 * CLIENTS, "{counts:?}");
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn nothing_is_lost_when_sentinels_move_a_primary_whose_writes_are_paused() {
    let what = "sentinels move a primary twice whose writes are paused";
    let counts = moved_twice(Redis::new(), what, |old, sentinels| {
        old.command::<()>(&["CLIENT", "PAUSE", "10000", "WRITE"]);
        sentinels.fail_over()
    });
    assert_eq!(counts.wrong, 0);
    assert!(counts.failed < counts.calls / 10, "{counts:?}");
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn after_the_primary_was_killed_the_next_one_is_used_and_nothing_is_lost() {
    let mut servers = servers(Redis::new());
    let sentinels = Sentinels::watching(&servers[0], 2, &[]);
    let primary = primary_of(&sentinels);
    let application = LoadDriver::start(async move || RedisStore::connect_sentinel(primary).await);
    let report = application.during(|outages| {
        thread::sleep(Duration::from_secs(1));
        let port = servers[0].port();
        let away = Instant::now();
        // What no replica has is lost with the primary, whatever a client does.
        let (primary, replicas) = servers.split_first_mut().expect("there are three");
        primary.pause_writes(replicas.iter());
        primary.kill();
        let back = sentinels.wait_for_other_than(port);
        println!("the sentinels agree on another primary after {:?}", back - away);
        // The circuit breaker tries the store once a second.
        outages.push((away, back + Duration::from_secs(1)));
        thread::sleep(RECOVERY + Duration::from_secs(3));
    });
    report.judge("the primary that sentinels watch killed");
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn servers_and_sentinels_have_credentials_of_their_own_and_a_database() {
    let settings = ["user app on >pass ~* &* +@all", "masterauth pass", "masteruser app"];
    let primary = Redis::with(&settings);
    let lines = ["auth-pass mymaster pass", "auth-user mymaster app"];
    let mut sentinels = Sentinels::watching(&primary, 0, &lines);
    primary.command::<()>(&["ACL", "SETUSER", "default", "off"]);
    let denied = RedisStore::connect_sentinel(primary_of(&sentinels)).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::NotConnected, "{denied}");
    println!("{denied}");
    for part in ["the Redis primary `mymaster` of the sentinels at 127.0.0.1:", "NOAUTH"] {
        assert!(denied.to_string().contains(part), "{denied}");
    }
    let with = primary_of(&sentinels).with_credentials(Credentials::new("app", "pass"));
    // One that answers is enough.
    sentinels.kill(0);
    let store = RedisStore::connect_sentinel(with.with_database(3)).await.unwrap();
    store.create(&random_key(), &record("{}"), TTL).await.unwrap();
    store.ready().await.unwrap();
    let url = format!("redis://app:pass@127.0.0.1:{}/3", primary.port());
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    assert_eq!(redis::cmd("DBSIZE").query::<usize>(&mut connection).unwrap(), 1);
    // Asked for them at each connection, as for a server at an address.
    let asked = Connection::sentinel(primary_of(&sentinels))
        .with_credentials_from(async || Ok::<_, std::io::Error>(Credentials::new("app", "pass")));
    RedisStore::from_connection(asked).ready().await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_silent_sentinel_and_a_role_that_is_not_told_keep_no_one_from_the_primary() {
    // Neither server has another role at any time: the sentinels alone know which one it is.
    let rules = "user app on >pass ~* &* +@all -role";
    let (first, second) = (Redis::with(&[rules]), Redis::with(&[rules]));
    let sentinels = Sentinels::watching(&first, 0, &[]);
    // The kernel takes its connections, and nothing answers.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let urls = [vec![format!("redis://127.0.0.1:{port}")], sentinels.urls()].concat();
    let primary = Sentinel::new(urls, sentinels.name()).unwrap();
    let primary = primary.with_credentials(Credentials::new("app", "pass"));
    let store = RedisStore::connect_sentinel(primary).await.unwrap();
    let key = random_key();
    store.create(&key, &record("{}"), TTL).await.unwrap();
    // Until the role was refused, and long after.
    let (start, mut refused) = (Instant::now(), false);
    while !refused || start.elapsed() < Duration::from_millis(500) {
        assert!(start.elapsed() < Duration::from_secs(10), "the server is not asked for its role");
        assert!(store.load(&key, None).await.unwrap().is_some());
        let info: String = first.command(&["INFO", "commandstats"]);
        refused = info.lines().any(|line| {
            line.starts_with("cmdstat_role") && !line.ends_with("rejected_calls=0,failed_calls=0")
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sentinels.watch_instead(&second);
    let start = Instant::now();
    while store.load(&key, None).await.unwrap().is_some() {
        let waited = start.elapsed();
        assert!(waited < Duration::from_secs(5), "the old server is read after {waited:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("the old server was read for {:?}", start.elapsed());
}

#[tokio::test]
async fn a_primary_needs_the_addresses_of_its_sentinels() {
    for wrong in [&[][..], &["http://localhost"], &["redis://user:s3cr3t/x@localhost"]] {
        let err = Sentinel::new(wrong.iter().copied(), "mymaster").unwrap_err();
        assert_eq!(err.kind(), ErrorKind::InvalidInput, "{err}");
        assert!(!err.to_string().contains("s3cr3t"), "{err}");
    }
    // Nothing listens on the port 1.
    let nowhere = Sentinel::new(["redis://user:s3cr3t@127.0.0.1:1"], "mymaster").unwrap();
    assert!(!format!("{nowhere:?}").contains("s3cr3t"));
    let err = RedisStore::connect_sentinel(nowhere).await.unwrap_err().to_string();
    println!("{err}");
    assert!(err.contains("the Redis primary `mymaster` of the sentinels at 127.0.0.1:1"), "{err}");
    assert!(!err.contains("s3cr3t"), "{err}");
}
