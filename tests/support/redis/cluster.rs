//! Three primaries that share the slots.

use std::{collections::BTreeMap, time::Instant};

use super::{Redis, Requests, wait_until};

/// How many slots a cluster has (Redis cluster specification).
const SLOTS: u16 = 16_384;
const NODES: u16 = 3;

/// A cluster of three primaries without replicas. Stopped when dropped.
#[derive(Debug)]
pub struct RedisCluster {
    /// The nodes, for what is done to one of them.
    pub nodes: Vec<Redis>,
}

impl Default for RedisCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl RedisCluster {
    /// Starts the nodes, and waits until they agree on the slots.
    ///
    /// # Panics
    ///
    /// When Redis is not installed, or the nodes do not agree.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// Starts nodes with these settings besides.
    ///
    /// # Panics
    ///
    /// When Redis is not installed, or the nodes do not agree.
    pub fn with(settings: &[&str]) -> Self {
        let settings = [&["cluster-enabled yes", "cluster-node-timeout 2000"], settings].concat();
        let nodes: Vec<Redis> = (0..NODES).map(|_| Redis::with(&settings)).collect();
        for (number, node) in (0..NODES).zip(&nodes) {
            let share = SLOTS / NODES;
            let first = number * share;
            let last = if number == NODES - 1 { SLOTS } else { first + share } - 1;
            let (first, last) = (first.to_string(), last.to_string());
            node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            node.command::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        }
        for node in &nodes[1..] {
            let port = nodes[0].port().to_string();
            node.command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port]);
        }
        let cluster = Self { nodes };
        cluster.settle();
        cluster
    }

    /// Waits until the nodes agree that all is well, and returns when that was. A node that was
    /// started again takes two seconds to say so.
    ///
    /// # Panics
    ///
    /// When they do not within a minute.
    pub fn settle(&self) -> Instant {
        let agrees = |node: &Redis| -> bool {
            let info: String = node.command(&["CLUSTER", "INFO"]);
            let shards: Vec<redis::Value> = node.command(&["CLUSTER", "SHARDS"]);
            info.contains("cluster_state:ok") && shards.len() == usize::from(NODES)
        };
        wait_until("the nodes agree", || self.nodes.iter().all(agrees));
        Instant::now()
    }

    /// Returns the addresses of the nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// Returns what all nodes keep, as [`Redis::dump`] does.
    ///
    /// # Panics
    ///
    /// When a node is down.
    pub fn dump(&self) -> BTreeMap<String, String> {
        self.nodes.iter().flat_map(Redis::dump).collect()
    }

    /// Begins to listen to what clients ask of each node.
    ///
    /// # Panics
    ///
    /// When a node is down.
    pub fn listen(&self) -> Vec<Requests> {
        self.nodes.iter().map(Redis::listen).collect()
    }
}
