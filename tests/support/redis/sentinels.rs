//! Three sentinels that watch a primary and its replicas.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Instant,
};

use redis::{Client, FromRedisValue, RedisResult};

use super::{PATIENCE, Redis, free_port, wait_until};

const COUNT: usize = 3;
const NAME: &str = "mymaster";

/// Three sentinels, of which two must agree. They count a server as down after a second. Stopped when
/// dropped.
#[derive(Debug)]
pub struct Sentinels {
    ports: Vec<u16>,
    servers: Vec<Child>,
}

impl Sentinels {
    /// Starts sentinels that watch this primary, and waits until they know it, each other and that many
    /// replicas. `settings` are lines of their configuration besides: `"auth-user mymaster app"`.
    ///
    /// # Panics
    ///
    /// When Redis is not installed, or they do not agree within a minute.
    pub fn watching(primary: &Redis, replicas: usize, settings: &[&str]) -> Self {
        let ports: Vec<u16> = (0..COUNT).map(|_| free_port()).collect();
        let start = |port: &u16| {
            let port = *port;
            let folder = primary.folder().join(format!("sentinel-{port}"));
            fs::create_dir(&folder).expect("a folder in the primary's");
            let mut lines = vec![
                format!("port {port}"),
                "bind 127.0.0.1".to_owned(),
                "logfile log".to_owned(),
                format!("sentinel monitor {NAME} 127.0.0.1 {} 2", primary.port()),
                format!("sentinel down-after-milliseconds {NAME} 1000"),
                format!("sentinel failover-timeout {NAME} 10000"),
            ];
            lines.extend(settings.iter().map(|setting| format!("sentinel {setting}")));
            fs::write(folder.join("sentinel.conf"), lines.join("\n")).expect("it is ours");
            let mut command = Command::new(&primary.program);
            command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null());
            let server = command.args(["sentinel.conf", "--sentinel"]).spawn();
            server.expect("redis-server runs; scripts/test --install installs it")
        };
        let servers = ports.iter().map(start).collect();
        let sentinels = Self { ports, servers };
        let agree = || {
            sentinels.ports.iter().all(|port| {
                let known: RedisResult<Vec<String>> = ask(*port, &["SENTINEL", "MASTER", NAME]);
                let Ok(known) = known else { return false };
                let number = |name: &str| {
                    let at = known.iter().position(|field| field == name);
                    at.and_then(|at| known[at + 1].parse::<usize>().ok())
                };
                number("num-other-sentinels") == Some(COUNT - 1)
                    && number("num-slaves") == Some(replicas)
            })
        };
        wait_until("the sentinels agree", agree);
        sentinels
    }

    /// Returns the addresses of the sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("redis://127.0.0.1:{port}")).collect()
    }

    /// Returns the name under which they watch the primary.
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// Has them make a replica the primary in an orderly way, and returns when all name it.
    ///
    /// # Panics
    ///
    /// When they do not within a minute.
    pub fn fail_over(&self) -> Instant {
        let before = self.primary().expect("the sentinels agree");
        let order = || ask::<()>(self.ports[0], &["SENTINEL", "FAILOVER", NAME]).is_ok();
        wait_until("the sentinels begin a failover", order);
        self.wait_for_other_than(before)
    }

    /// Has all of them watch another server under the same name.
    ///
    /// # Panics
    ///
    /// When one of them is down.
    pub fn watch_instead(&self, primary: &Redis) {
        let server = primary.port().to_string();
        for port in &self.ports {
            ask::<()>(*port, &["SENTINEL", "REMOVE", NAME]).expect("it watches a primary");
            ask::<()>(*port, &["SENTINEL", "MONITOR", NAME, "127.0.0.1", &server, "2"])
                .expect("it watches none");
        }
    }

    /// Waits until all sentinels name another primary than the one on this port, and returns when that
    /// was.
    ///
    /// # Panics
    ///
    /// When they do not within a minute.
    pub fn wait_for_other_than(&self, port: u16) -> Instant {
        wait_until("the sentinels name another primary", || {
            self.primary().is_some_and(|primary| primary != port)
        });
        Instant::now()
    }

    /// Returns the port of the primary, if all sentinels name the same.
    pub fn primary(&self) -> Option<u16> {
        let name = |port: &u16| -> Option<u16> {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME];
            let (_, port): (String, u16) = ask(*port, &words).ok()?;
            Some(port)
        };
        let named: Option<Vec<u16>> = self.ports.iter().map(name).collect();
        let mut named = named?;
        named.dedup();
        (named.len() == 1).then(|| named[0])
    }

    /// Kills one of the sentinels.
    ///
    /// # Panics
    ///
    /// When it cannot be killed.
    pub fn kill(&mut self, number: usize) {
        self.servers[number].kill().expect("a child can be killed");
        self.servers[number].wait().expect("a killed child ends");
    }
}

fn ask<T: FromRedisValue>(port: u16, words: &[&str]) -> RedisResult<T> {
    let client = Client::open(("127.0.0.1", port))?;
    let mut connection = client.get_connection_with_timeout(PATIENCE)?;
    let mut command = redis::Cmd::new();
    command.arg(words);
    command.query(&mut connection)
}

impl Drop for Sentinels {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
