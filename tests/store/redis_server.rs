//! The Redis servers that tests start belong to one test each, and keep what they acknowledged.

use std::time::{Duration, Instant};

use sessions_tests::{Redis, RedisCluster};

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn a_server_keeps_what_it_acknowledged_through_kills_and_stalls() {
    let mut redis = Redis::with(&["appendonly yes", "appendfsync always"]);
    for round in 1..=3 {
        redis.command::<()>(&["RPUSH", "kept", "one"]);
        redis.kill();
        assert!(redis.try_command::<()>(&["PING"]).is_err());
        redis.start();
        assert_eq!(redis.command::<u32>(&["LLEN", "kept"]), round);
    }
    redis.kill();
    redis.lose_data();
    redis.start();
    assert_eq!(redis.command::<u32>(&["DBSIZE"]), 0);

    redis.stall();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| redis.command::<String>(&["PING"]));
        while start.elapsed() < Duration::from_millis(200) {
            assert!(!asked.is_finished());
            std::thread::yield_now();
        }
        redis.resume();
        assert_eq!(asked.join().expect("it answers"), "PONG");
    });
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn a_server_tells_what_it_keeps_and_what_it_is_asked() {
    let redis = Redis::new();
    let mut requests = redis.listen();
    redis.command::<()>(&["HSET", "hash", "z", "1", "a", "2"]);
    redis.command::<()>(&["ZADD", "set", "1", "one"]);
    redis.command::<()>(&["EVAL", "return redis.call('SET', KEYS[1], 'v')", "1", "text"]);
    let asked = requests.take();
    let asked: Vec<_> = asked.iter().filter(|line| !line.starts_with("client")).collect();
    assert_eq!(asked, ["hset hash", "zadd set", "eval return"]);
    let kept: Vec<_> = redis.dump().into_iter().collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let expected =
        [pair("hash", "hash a 2 z 1"), pair("set", "zset one 1"), pair("text", "string v")];
    assert_eq!(kept, expected);
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn a_replica_copies_and_a_cluster_shares() {
    let redis = Redis::new();
    let replica = redis.replica();
    redis.command::<()>(&["SET", "text", "v"]);
    while replica.dump() != redis.dump() {
        std::thread::yield_now();
    }

    let cluster = RedisCluster::new();
    let keeps = |node: &Redis| node.try_command::<()>(&["SET", "text", "v"]).is_ok();
    assert_eq!(cluster.nodes.iter().filter(|node| keeps(node)).count(), 1);
    assert_eq!(cluster.dump().len(), 1);
}
