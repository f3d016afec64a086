//! Redis is killed, stalled, emptied and badly connected under an application that is in use.

use std::{
    collections::HashSet,
    thread::sleep,
    time::{Duration, Instant},
};

use sessions_redis::RedisStore;
use sessions_tests::{
    Proxy, Redis, RedisCluster, is_full,
    load_driver::{LoadDriver, RECOVERY},
};

/// Long enough to see that it has recovered, and stays so.
const CALM: Duration = RECOVERY.saturating_add(Duration::from_millis(500));

fn rounds(everyday: u32, full: u32) -> u32 {
    if is_full() { full } else { everyday }
}

fn driver(url: String) -> LoadDriver<RedisStore> {
    LoadDriver::start(async move || RedisStore::connect(url).await)
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn sessions_survive_kills_and_stalls_and_every_failure_is_an_answer() {
    let mut redis = Redis::with(&["appendonly yes", "appendfsync always"]);
    let (kills, stalls) = (rounds(2, 20), rounds(1, 10));
    let report = driver(redis.url()).during(|outages| {
        sleep(Duration::from_secs(1));
        for round in 0..kills {
            let away = Instant::now();
            redis.kill();
            sleep(Duration::from_millis(200) + Duration::from_millis(100) * (round % 10));
            outages.push((away, redis.start()));
            sleep(CALM);
        }
        for round in 0..stalls {
            let away = Instant::now();
            redis.stall();
            sleep(Duration::from_secs(2) + Duration::from_millis(500) * (round % 5));
            redis.resume();
            outages.push((away, Instant::now()));
            sleep(CALM);
        }
    });
    report.judge(&format!("Redis killed {kills} times and stalled {stalls} times"));
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn a_bad_line_to_redis_is_an_answer_in_time() {
    let redis = Redis::new();
    let proxy = Proxy::before(redis.port());
    let application = driver(format!("redis://127.0.0.1:{}", proxy.port()));
    let rounds = rounds(1, 5);
    let moment = Duration::from_millis(10);
    let report = application.during(|outages| {
        sleep(Duration::from_secs(1));
        let mut outage = |trouble: &dyn Fn(), calm: &dyn Fn()| {
            let away = Instant::now();
            trouble();
            calm();
            outages.push((away, Instant::now()));
            sleep(CALM);
        };
        for round in 0..rounds {
            // Slower than a call may be, and just not.
            for millis in [700, 450, 200] {
                let slow = || {
                    proxy.delay(Duration::from_millis(millis));
                    sleep(Duration::from_secs(2));
                };
                outage(&slow, &|| proxy.delay(Duration::ZERO));
            }
            let drip = || {
                proxy.drip(true);
                sleep(Duration::from_secs(1));
            };
            outage(&drip, &|| proxy.drip(false));
            let cut = || {
                for bytes in 0..100 {
                    proxy.cut_after(bytes + usize::try_from(round).expect("a few"));
                    sleep(moment);
                }
            };
            outage(&cut, &|| {});
            let reset = || {
                for _ in 0..100 {
                    proxy.end_connections();
                    sleep(moment);
                }
            };
            outage(&reset, &|| {});
            outage(&|| proxy.forget_connections(), &|| {});
        }
    });
    let connections = proxy.accepted();
    report.judge(&format!("slow, dripping, cut, reset and forgotten connections ({connections})"));
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn a_cluster_whose_nodes_are_killed_and_stalled_answers_every_request() {
    let settings = ["appendonly yes", "appendfsync always", "cluster-require-full-coverage no"];
    let mut cluster = RedisCluster::with(&settings);
    let urls = cluster.urls();
    let application = LoadDriver::start(async move || RedisStore::connect_cluster(urls).await);
    let rounds = rounds(1, 5);
    let report = application.during(|outages| {
        sleep(Duration::from_secs(1));
        for _ in 0..rounds {
            for node in 0..cluster.nodes.len() {
                let away = Instant::now();
                cluster.nodes[node].kill();
                sleep(Duration::from_millis(500));
                cluster.nodes[node].start();
                outages.push((away, cluster.settle()));
                sleep(CALM);
            }
            let away = Instant::now();
            cluster.nodes[0].stall();
            sleep(Duration::from_secs(1));
            cluster.nodes[0].resume();
            outages.push((away, Instant::now()));
            sleep(CALM);
        }
    });
    report
        .judge(&format!("nodes of a cluster killed {} times, stalled {rounds} times", 3 * rounds));
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn when_redis_loses_its_data_clients_are_anonymous_and_no_id_is_used_again() {
    let mut redis = Redis::new();
    let application = driver(redis.url());
    let mut clients: Vec<_> = (0..20).map(|_| application.client()).collect();
    let mut ids = HashSet::new();
    for _ in 0..rounds(2, 20) {
        for client in &mut clients {
            // The breaker may be open for a second.
            let start = Instant::now();
            let answer = loop {
                let answer = client.get("/visit").unwrap();
                assert!(answer.cookies().is_empty() || answer.status == 200);
                if answer.status == 200 || start.elapsed() > RECOVERY {
                    break answer;
                }
            };
            assert_eq!((answer.status, answer.body.as_str()), (200, "1"));
            let (selector, _) = client.cookie("id").unwrap().split_once('.').unwrap();
            assert!(ids.insert(selector.to_owned()), "an id is used again");
        }
        assert_eq!(redis.command::<usize>(&["DBSIZE"]), clients.len());
        redis.kill();
        redis.lose_data();
        redis.start();
    }
    println!("{} sessions, as many ids", ids.len());
}
