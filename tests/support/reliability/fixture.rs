//! The fixture: a store, processes of the application, and a client.

use std::{
    fmt, fs,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, net::TcpStream, task::yield_now, time::sleep};

use super::{AppProcess, Client, Server, leaks::Secrets};
use crate::Answer;

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the memory of the one process.
    Memory,
    /// On one Redis server.
    Redis,
    /// On a Redis cluster of three nodes.
    Cluster,
    /// In MariaDB.
    MariaDb,
    /// In PostgreSQL.
    Postgres,
    /// In a file of SQLite, of the one process.
    Sqlite,
}

impl Kind {
    /// How many processes share the store.
    pub fn processes(self) -> usize {
        match self {
            Self::Memory | Self::Sqlite => 1,
            Self::Redis | Self::Cluster | Self::MariaDb | Self::Postgres => 2,
        }
    }

    /// Returns the word for it in the application's arguments.
    fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Cluster => "cluster",
            Self::MariaDb => "mariadb",
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory, 1 process",
            Self::Redis => "Redis, 2 processes",
            Self::Cluster => "Redis cluster, 2 processes",
            Self::MariaDb => "MariaDB, 2 processes",
            Self::Postgres => "PostgreSQL, 2 processes",
            Self::Sqlite => "SQLite, 1 process",
        })
    }
}

/// One store, the processes that share it, and clients.
pub struct Fixture {
    /// Where sessions are kept.
    pub kind: Kind,
    /// The processes. Request number *n* goes to the *n*th of them, round about.
    pub apps: Vec<AppProcess>,
    /// Sends them requests.
    pub client: Client,
    program: &'static str,
    arguments: Vec<String>,
    /// Stopped after the processes.
    server: Server,
}

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
        let server = Server::start(kind).await;
        let options = options.iter().map(|&option| option.to_owned());
        let store = [kind.word().to_owned(), server.address().to_owned()];
        let arguments = store.into_iter().chain(options).collect();
        let (apps, client) = (Vec::new(), Client::new());
        let mut fixture = Self { kind, apps, client, program, arguments, server };
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
        let log = self.server.folder().join(format!("log-{number}"));
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
        match self.server.records().await {
            Some(records) => records,
            None => self.of_all("/records").await[0].parse().expect("a number"),
        }
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
            let log = fs::read(self.server.folder().join(format!("log-{number}")));
            logged.extend(log.expect("each process has a log"));
        }
        let lines = logged.split(|byte| *byte == b'\n').count();
        let dump = self.server.dump().await;
        let found =
            [secrets.found_in(&logged), dump.as_deref().map_or(0, |dump| secrets.found_in(dump))];
        assert_eq!(found, [0, 0], "secrets in the log, and in the store");
        let dumped =
            dump.map_or_else(String::new, |dump| format!(" and {} bytes of the store", dump.len()));
        format!("0 of {} tokens and the key in {lines} lines of log{dumped}", tokens.len())
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("kind", &self.kind).finish_non_exhaustive()
    }
}
