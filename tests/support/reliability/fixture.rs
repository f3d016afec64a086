//! The fixture: a store, processes of the application, and a client.

use std::{
    env, fmt, fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use sqlx::{PgPool, SqlitePool, query_as, query_scalar};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Mutex, MutexGuard},
    task::yield_now,
    time::sleep,
};

use super::{AppProcess, Client, leaks::Secrets};
use crate::{Answer, Postgres, Redis, RedisCluster};

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the memory of the one process.
    Memory,
    /// On one Redis server.
    Redis,
    /// On a Redis cluster of three nodes.
    Cluster,
    /// In `PostgreSQL`.
    Postgres,
    /// In a file of `SQLite`, of the one process.
    Sqlite,
}

impl Kind {
    /// How many processes share the store.
    pub fn processes(self) -> usize {
        match self {
            Self::Memory | Self::Sqlite => 1,
            Self::Redis | Self::Cluster | Self::Postgres => 2,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory, 1 process",
            Self::Redis => "Redis, 2 processes",
            Self::Cluster => "Redis cluster, 2 processes",
            Self::Postgres => "PostgreSQL, 2 processes",
            Self::Sqlite => "SQLite, 1 process",
        })
    }
}

/// One store, the processes that share it, and clients. One at a time in a test's process: figures
/// are not to disturb each other.
pub struct Fixture {
    /// Where sessions are kept.
    pub kind: Kind,
    /// The processes. Request number *n* goes to the *n*th of them, round about.
    pub apps: Vec<AppProcess>,
    /// Sends them requests.
    pub client: Client,
    server: Server,
    program: &'static str,
    arguments: Vec<String>,
    folder: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

enum Server {
    None,
    Redis(Redis),
    Cluster(RedisCluster),
    Postgres {
        pool: PgPool,
        /// Stopped with it.
        _server: Postgres,
    },
    Sqlite(SqlitePool),
}

/// A row, as far as it can hold a secret.
type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

const COUNT: &str = "SELECT count(*) FROM sessions";
const ROWS: &str = "SELECT key, record, owner FROM sessions";

impl Fixture {
    /// Starts all of it. `program` is the application's: `env!("CARGO_BIN_EXE_app")`.
    ///
    /// # Panics
    ///
    /// When something does not start.
    pub async fn start(kind: Kind, program: &'static str) -> Self {
        Self::with(kind, program, &[]).await
    }

    /// As [`start`](Self::start), where tokens are not signed: forged ones reach the store.
    ///
    /// # Panics
    ///
    /// When something does not start.
    pub async fn unsigned(kind: Kind, program: &'static str) -> Self {
        Self::with(kind, program, &["unsigned"]).await
    }

    async fn with(kind: Kind, program: &'static str, options: &[&str]) -> Self {
        static ALONE: Mutex<()> = Mutex::const_new(());
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let alone = ALONE.lock().await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-figures-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder in the temporary one");
        let (server, store, address) = match kind {
            Kind::Memory => (Server::None, "memory", String::new()),
            Kind::Redis => {
                let redis = Redis::new();
                let url = redis.url();
                (Server::Redis(redis), "redis", url)
            }
            Kind::Cluster => {
                let cluster = RedisCluster::new();
                let urls = cluster.urls().join(",");
                (Server::Cluster(cluster), "cluster", urls)
            }
            Kind::Postgres => {
                let postgres = Postgres::new();
                let url = postgres.url();
                let pool = PgPool::connect_lazy(&url).expect("an address of PostgreSQL");
                (Server::Postgres { pool, _server: postgres }, "postgres", url)
            }
            Kind::Sqlite => {
                let path = folder.join("sessions.db").display().to_string();
                let url = format!("sqlite://{path}");
                let pool = SqlitePool::connect_lazy(&url).expect("an address of SQLite");
                (Server::Sqlite(pool), "sqlite", path)
            }
        };
        let options = options.iter().map(|&option| option.to_owned());
        let arguments = [store.to_owned(), address].into_iter().chain(options).collect();
        let mut fixture = Self {
            kind,
            apps: Vec::new(),
            client: Client::new(),
            server,
            program,
            arguments,
            folder,
            _alone: alone,
        };
        fixture.apps = (0..kind.processes()).map(|number| fixture.start_app(number)).collect();
        fixture
    }

    /// Starts a process in the place of one that has ended.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start_again(&mut self, number: usize) {
        self.apps[number] = self.start_app(number);
    }

    fn start_app(&self, number: usize) -> AppProcess {
        let log = self.folder.join(format!("log-{number}"));
        AppProcess::start(self.program, &self.arguments, &log)
    }

    /// Sends request number `number` to a page that uses its session.
    ///
    /// # Panics
    ///
    /// When no answer comes.
    pub async fn ask(&self, number: usize, path: &str, token: Option<&str>) -> Answer {
        let answer = self.client.get(&self.page(number, path), token).await;
        answer.unwrap_or_else(|err| panic!("{path}: {err:?}"))
    }

    /// Sends a request again and again until the store has come to rest: after a load it may have no
    /// time for it, or the breaker is open.
    ///
    /// # Panics
    ///
    /// When no answer comes.
    pub async fn ask_at_rest(&self, number: usize, path: &str, token: Option<&str>) -> Answer {
        for _ in 0..200 {
            let answer = self.ask(number, path, token).await;
            if !matches!(answer.status.as_u16(), 500 | 503) {
                return answer;
            }
            sleep(Duration::from_millis(100)).await;
        }
        self.ask(number, path, token).await
    }

    /// Sends request number `number` to a page that uses its session. Returns `None` when no answer
    /// comes.
    pub async fn try_ask(&self, number: usize, path: &str, token: Option<&str>) -> Option<Answer> {
        self.client.get(&self.page(number, path), token).await.ok()
    }

    /// Sends request number `number`, and goes away after `patience`, whatever has come by then.
    /// Returns when the process has had time to notice.
    ///
    /// # Panics
    ///
    /// When the process cannot be reached.
    pub async fn ask_and_go(&self, number: usize, path: &str, token: &str, patience: Duration) {
        let app = &self.apps[number % self.apps.len()];
        let mut stream =
            TcpStream::connect(("127.0.0.1", app.port())).await.expect("the process listens");
        let request =
            format!("GET /s{path} HTTP/1.1\r\nHost: localhost\r\nCookie: id={token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the process listens");
        // A sleep would be a millisecond at least.
        let sent = Instant::now();
        while sent.elapsed() < patience {
            yield_now().await;
        }
        drop(stream);
        sleep(Duration::from_millis(20)).await;
    }

    fn page(&self, number: usize, path: &str) -> String {
        self.apps[number % self.apps.len()].url(&format!("/s{path}"))
    }

    /// Asks every process for a page that uses no session.
    ///
    /// # Panics
    ///
    /// When no answer comes, or another than 200.
    pub async fn of_all(&self, path: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        for app in &self.apps {
            let answer = self.client.get(&app.url(path), None).await.expect("an answer");
            assert_eq!(answer.status, 200, "{path}");
            bodies.push(answer.body);
        }
        bodies
    }

    /// Begins a session that holds `path`'s words, and returns its token.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn begin(&self, path: &str) -> String {
        let answer = self.ask_at_rest(0, path, None).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.cookie().expect("a new session has a cookie").value
    }

    /// Returns how many records the store has.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub async fn records(&self) -> usize {
        // Records, not owners' indexes.
        let is_record = |key: &&String| !key.contains(":owner:");
        match &self.server {
            Server::None => self.of_all("/records").await[0].parse().expect("a number"),
            Server::Redis(redis) => redis.dump().keys().filter(is_record).count(),
            Server::Cluster(cluster) => cluster.dump().keys().filter(is_record).count(),
            Server::Postgres { pool, .. } => {
                count(query_scalar(COUNT).fetch_one(pool).await.expect("it is there"))
            }
            Server::Sqlite(pool) => {
                count(query_scalar(COUNT).fetch_one(pool).await.expect("it is there"))
            }
        }
    }

    /// Returns everything that the store keeps, if it keeps it outside of the process.
    async fn dump(&self) -> Option<Vec<u8>> {
        let rows: Vec<Row> = match &self.server {
            Server::None => return None,
            Server::Redis(redis) => return Some(format!("{:?}", redis.dump()).into_bytes()),
            Server::Cluster(cluster) => return Some(format!("{:?}", cluster.dump()).into_bytes()),
            Server::Postgres { pool, .. } => query_as(ROWS).fetch_all(pool).await,
            Server::Sqlite(pool) => query_as(ROWS).fetch_all(pool).await,
        }
        .expect("it is there");
        let row = |(key, record, owner): Row| [key, record, owner.unwrap_or_default()].concat();
        Some(rows.into_iter().flat_map(row).collect())
    }

    /// Searches the store and all that was logged for every token that was ever given and for the
    /// secret key. Returns what it found.
    ///
    /// # Panics
    ///
    /// When one is found.
    pub async fn search_for_secrets(&self) -> String {
        let tokens = self.client.tokens();
        let mut secrets = Secrets::of_tokens(&tokens);
        secrets.add_key(crate::key_text(1).as_bytes());
        let mut logged = Vec::new();
        for number in 0..self.apps.len() {
            let log = fs::read(self.folder.join(format!("log-{number}")));
            logged.extend(log.expect("each process has a log"));
        }
        let lines = logged.split(|byte| *byte == b'\n').count();
        let dump = self.dump().await;
        let found =
            [secrets.found_in(&logged), dump.as_deref().map_or(0, |dump| secrets.found_in(dump))];
        assert_eq!(found, [0, 0], "secrets in the log, and in the store");
        let dumped =
            dump.map_or_else(String::new, |dump| format!(" and {} bytes of the store", dump.len()));
        format!("0 of {} tokens and the key in {lines} lines of log{dumped}", tokens.len())
    }
}

fn count(rows: i64) -> usize {
    usize::try_from(rows).expect("it counts up from zero")
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Before the store.
        self.apps.clear();
        if std::thread::panicking() {
            eprintln!("logs are in {}", self.folder.display());
        } else if let Err(err) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {err}", self.folder.display());
        }
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("kind", &self.kind).finish_non_exhaustive()
    }
}
