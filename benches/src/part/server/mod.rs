//! Servers over loopback: the processor's time that a server process takes for a request, and how
//! often it asks Redis.

mod client;
mod process;
mod redis;

use std::collections::BTreeMap;

pub(crate) use self::process::serve;
use self::{client::Client, process::Server, redis::Redis};
use sessions_benches::{
    results::Results,
    stats::{mean, ratio},
    workload::Workload,
};

use crate::Effort;

/// Connections that are in use at the same time.
const CONNECTIONS: usize = 8;

const WORKLOADS: [Workload; 5] =
    [Workload::Untouched, Workload::Unused, Workload::Read, Workload::Write, Workload::Create];

/// What a server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// No sessions.
    Actix,
    /// Ours in Redis.
    Redis,
    /// actix-session in Redis.
    ActixSessionRedis,
    /// The least that a session in Redis costs.
    RedisLeast,
    /// Ours in signed cookies.
    Signed,
    /// actix-session in signed cookies.
    ActixSessionSigned,
    /// Ours in memory.
    Memory,
}

impl Served {
    const ALL: [Self; 7] = [
        Self::Actix,
        Self::Redis,
        Self::ActixSessionRedis,
        Self::RedisLeast,
        Self::Signed,
        Self::ActixSessionSigned,
        Self::Memory,
    ];
    /// Those of the table.
    const COMPARED: [Self; 6] = [
        Self::Actix,
        Self::Redis,
        Self::ActixSessionRedis,
        Self::RedisLeast,
        Self::Signed,
        Self::ActixSessionSigned,
    ];
    /// Those with one worker and with two.
    const GROWING: [Self; 4] = [Self::Actix, Self::Signed, Self::Memory, Self::Redis];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Actix => "actix",
            Self::Redis => "redis",
            Self::ActixSessionRedis => "actix-session-redis",
            Self::RedisLeast => "redis-least",
            Self::Signed => "signed",
            Self::ActixSessionSigned => "actix-session-signed",
            Self::Memory => "memory",
        }
    }
}

pub(crate) fn measure(results: &mut Results, effort: Effort) {
    let (blocks, requests) = match effort {
        Effort::Full => (40, 400),
        Effort::Quick => (30, 100),
        Effort::Smoke => (3, 2),
    };
    let redis = Redis::start();
    compare(results, &redis, blocks, requests);
    by_workers(results, &redis, blocks, requests);
}

fn compare(results: &mut Results, redis: &Redis, blocks: usize, requests: usize) {
    let mut servers: Vec<_> = Served::COMPARED.map(|served| Server::start(served, 1, redis)).into();
    let mut clients = connected(&servers);
    for workload in WORKLOADS {
        let mut asked = BTreeMap::new();
        for (server, clients) in servers.iter().zip(&mut clients) {
            // Connections and scripts are made.
            client::send(clients, workload, 20);
            if matches!(
                server.served,
                Served::Redis | Served::ActixSessionRedis | Served::RedisLeast
            ) {
                let count = redis.count_requests(|| client::send(clients, workload, 20));
                let each = count as f64 / (20 * CONNECTIONS) as f64;
                asked.insert(server.served.name().to_owned(), each);
            }
        }
        let taken = interleaved(&mut servers, &mut clients, workload, blocks, requests);
        let names = servers.iter().map(|server| server.served.name().to_owned());
        let by_server: BTreeMap<String, Vec<f64>> = names.zip(taken).collect();
        print(workload, &by_server, &asked);
        results.server.insert(workload.code().to_owned(), by_server);
        results.redis.insert(workload.code().to_owned(), asked);
    }
}

/// Reads and writes with one worker and with two.
fn by_workers(results: &mut Results, redis: &Redis, blocks: usize, requests: usize) {
    results.workers.clear();
    let starts: Vec<_> =
        Served::GROWING.into_iter().flat_map(|served| [(served, 1), (served, 2)]).collect();
    let mut servers: Vec<_> =
        starts.iter().map(|(served, workers)| Server::start(*served, *workers, redis)).collect();
    let mut clients = connected(&servers);
    for clients in &mut clients {
        client::send(clients, Workload::Write, 20);
    }
    let taken = interleaved(&mut servers, &mut clients, Workload::Write, blocks, requests);
    println!("\nW3 by workers: microseconds of the server's processor for a request over loopback");
    for ((served, workers), blocks) in starts.into_iter().zip(taken) {
        let cpu = mean(&blocks);
        println!("  {:24}{workers}{:7.2} ± {:4.2}", served.name(), cpu.mean, cpu.half);
        let by_workers = results.workers.entry(served.name().to_owned()).or_default();
        by_workers.insert(workers as u64, blocks);
    }
}

fn connected(servers: &[Server]) -> Vec<Vec<Client>> {
    servers.iter().map(|server| Client::several(server.port, CONNECTIONS)).collect()
}

/// Returns, for each server, the microseconds that a request takes in each block.
fn interleaved(
    servers: &mut [Server],
    clients: &mut [Vec<Client>],
    workload: Workload,
    blocks: usize,
    requests: usize,
) -> Vec<Vec<f64>> {
    let mut taken = vec![Vec::with_capacity(blocks); servers.len()];
    for block in 0..blocks {
        for turn in 0..servers.len() {
            let at = (turn + block) % servers.len();
            let before = servers[at].cpu();
            client::send(&mut clients[at], workload, requests);
            let cpu = servers[at].cpu().saturating_sub(before);
            taken[at].push(cpu.as_nanos() as f64 / 1_000.0 / (requests * CONNECTIONS) as f64);
        }
    }
    taken
}

fn print(
    workload: Workload,
    by_server: &BTreeMap<String, Vec<f64>>,
    asked: &BTreeMap<String, f64>,
) {
    println!(
        "\n{} {}: microseconds of the server's processor for a request over loopback",
        workload.code(),
        workload.title()
    );
    for served in Served::COMPARED {
        let cpu = mean(&by_server[served.name()]);
        print!("  {:24}{:7.2} ± {:4.2}", served.name(), cpu.mean, cpu.half);
        if let Some(requests) = asked.get(served.name()) {
            print!("   {requests:.2} requests to Redis");
        }
        println!();
    }
    for (ours, peer) in [("redis", "actix-session-redis"), ("signed", "actix-session-signed")] {
        let part = ratio(&by_server[ours], &by_server[peer]);
        println!("  {ours} / {peer} = {:.3} ± {:.3}", part.mean, part.half);
    }
}
