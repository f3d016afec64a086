//! The connections to one server that a store makes of a URL.

use std::{
    collections::HashMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisError,
    RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::{
    runtime::{Handle, Id},
    sync::oneshot,
};

/// How long a connection may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long nothing may be heard of a server that was asked something. A connection can be dead
/// without a word: whoever stood between has forgotten it.
const SILENCE: Duration = Duration::from_secs(1);
/// After how long a connection over which nothing passes is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long after a failed attempt to connect the next one is made: from the first to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// One connection for each Tokio runtime that asks for it, which is one for each worker of Actix Web:
/// made when it is first needed, and made again when it is lost, or when nothing is heard over it
/// for a second. It ends with its runtime.
///
/// While there is none, whoever asks for it makes the next attempt, together with all others of the
/// runtime who ask at that time; attempts that fail are at first 20 ms apart, later 250 ms. It does
/// not limit how long an answer may take: who asks gives up in time, as
/// [`ServerSide`](sessions::ServerSide) does.
#[derive(Clone)]
pub struct Connection(Arc<Lines>);

struct Lines {
    client: Client,
    by_runtime: RwLock<HashMap<Id, Arc<Line>>>,
}

/// The connection of one runtime. No thread wakes another for an answer.
struct Line {
    client: Client,
    state: Mutex<State>,
    /// Dropped with the line.
    _end: oneshot::Sender<()>,
}

struct State {
    /// The last attempt to connect: under way, made, or failed.
    attempt: Option<Attempt>,
    /// Counts the attempts.
    number: u64,
    /// When the next attempt may be made, if the last one failed.
    next_at: Option<Instant>,
    pause: Duration,
    /// When something was asked that was followed by no answer to anything.
    unanswered_since: Option<Instant>,
}

/// Comes to nothing when its runtime ends.
type Attempt = Shared<BoxFuture<'static, Option<RedisResult<MultiplexedConnection>>>>;

impl Connection {
    /// Returns connections to one server, which are not made yet: for what stands before them in
    /// [`RedisStore::from_connection`](crate::RedisStore::from_connection). See
    /// [`RedisStore::new`](crate::RedisStore::new) for the URL.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is none.
    pub fn new(url: impl IntoConnectionInfo) -> io::Result<Self> {
        Ok(Self(Arc::new(Lines { client: client(url)?, by_runtime: RwLock::default() })))
    }

    /// Returns the server's host and port.
    pub(crate) fn address(&self) -> String {
        self.0.client.get_connection_info().addr().to_string()
    }
}

fn client(url: impl IntoConnectionInfo) -> io::Result<Client> {
    #[cfg(feature = "tls")]
    prepare_tls();
    let open = |url: ConnectionInfo| {
        let settings = tcp_settings(url.tcp_settings());
        Client::open(url.set_tcp_settings(settings))
    };
    url.into_connection_info().and_then(open).map_err(|err| invalid(&err))
}

/// Gives rustls its cryptography, unless the application has chosen one.
#[cfg(feature = "tls")]
pub(crate) fn prepare_tls() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, which is as good.
        let _ = ring::default_provider().install_default();
    }
}

pub(crate) fn tcp_settings(given: &TcpSettings) -> TcpSettings {
    // Many requests share a connection: none waits for the acknowledgement of another.
    let settings = given.clone().set_nodelay(true);
    match settings.keepalive() {
        Some(_) => settings,
        None => settings.set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE)),
    }
}

pub(crate) fn invalid(err: &RedisError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the address of Redis is wrong: {err}"))
}

impl Lines {
    /// Returns the line of this runtime.
    fn line(self: &Arc<Self>) -> Arc<Line> {
        let runtime = Handle::current();
        let id = runtime.id();
        let lines = self.by_runtime.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&id) {
            return Arc::clone(line);
        }
        drop(lines);
        let (end, ended) = oneshot::channel();
        let new = Arc::new(Line::new(self.client.clone(), end));
        let mut lines = self.by_runtime.write().unwrap_or_else(PoisonError::into_inner);
        let line = Arc::clone(lines.entry(id).or_insert_with(|| Arc::clone(&new)));
        drop(lines);
        if Arc::ptr_eq(&line, &new) {
            let home = Home { lines: Arc::downgrade(self), id };
            runtime.spawn(async move {
                let _home = home;
                // Nothing is sent: there is no line any more.
                let _ = ended.await;
            });
        }
        line
    }
}

/// Lives in a runtime, and takes its line away when that ends.
struct Home {
    lines: Weak<Lines>,
    id: Id,
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(lines) = self.lines.upgrade() {
            let mut lines = lines.by_runtime.write().unwrap_or_else(PoisonError::into_inner);
            let line = lines.remove(&self.id);
            drop(lines);
            drop(line);
        }
    }
}

impl Line {
    fn new(client: Client, end: oneshot::Sender<()>) -> Self {
        let state = State {
            attempt: None,
            number: 0,
            next_at: None,
            pause: PAUSES.0,
            unanswered_since: None,
        };
        Self { client, state: Mutex::new(state), _end: end }
    }

    async fn connected(self: &Arc<Self>) -> RedisResult<(u64, MultiplexedConnection)> {
        let (number, attempt) = self.attempt();
        let ended = || io::Error::new(io::ErrorKind::NotConnected, "the Tokio runtime has ended");
        Ok((number, attempt.await.ok_or_else(ended)??))
    }

    fn attempt(self: &Arc<Self>) -> (u64, Attempt) {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(attempt) = &state.attempt {
            let may_try = state.next_at.is_some_and(|at| at <= now);
            let is_silent = state.unanswered_since.is_some_and(|since| since + SILENCE <= now);
            if !may_try && !is_silent {
                return (state.number, attempt.clone());
            }
        }
        let number = state.number + 1;
        let task = tokio::spawn(Arc::clone(self).make(number));
        let attempt = task.map(Result::ok).boxed().shared();
        state.attempt = Some(attempt.clone());
        state.number = number;
        state.next_at = None;
        state.unanswered_since = None;
        (number, attempt)
    }

    async fn make(self: Arc<Self>, number: u64) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(None);
        let made = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let mut state = self.state();
        if state.number == number {
            match &made {
                Ok(_) => state.pause = PAUSES.0,
                Err(_) => {
                    state.next_at = Some(Instant::now() + state.pause);
                    state.pause = PAUSES.1.min(state.pause * 2);
                }
            }
        }
        made
    }

    fn note_asked(&self, number: u64) {
        let mut state = self.state();
        if state.number == number {
            state.unanswered_since.get_or_insert_with(Instant::now);
        }
    }

    /// Notes what came of a request: an answer, which may be an error, or the end of the connection.
    fn note<T>(&self, number: u64, result: &RedisResult<T>) {
        let mut state = self.state();
        if state.number != number {
            return;
        }
        match result {
            Err(err) if err.code().is_none() => state.attempt = None,
            _ => state.unanswered_since = None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let line = self.0.line();
            let (number, mut connection) = line.connected().await?;
            line.note_asked(number);
            let result = connection.send_packed_command(command).await;
            line.note(number, &result);
            result
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let line = self.0.line();
            let (number, mut connection) = line.connected().await?;
            line.note_asked(number);
            let result = connection.send_packed_commands(pipeline, offset, count).await;
            line.note(number, &result);
            result
        })
    }

    fn get_db(&self) -> i64 {
        self.0.client.get_connection_info().redis_settings().db()
    }
}

impl fmt::Debug for Connection {
    /// Shows no address: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}
