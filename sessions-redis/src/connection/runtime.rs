//! The connection of one Tokio runtime, and when it is established again.

use std::{
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
#[cfg(feature = "sentinel")]
use redis::ConnectionAddr;
use redis::{
    AsyncConnectionConfig, Cmd, RedisError, RedisResult, Value, aio::MultiplexedConnection,
};
use tokio::sync::oneshot;
#[cfg(feature = "sentinel")]
use tokio::time::timeout;

use super::{answer::Answer, endpoint::Endpoint, pace::Pace};
#[cfg(feature = "sentinel")]
use crate::sentinel::Watch;
use crate::tcp::CONNECT_TIMEOUT;

/// The time without any answer after which a connection is replaced. A firewall or proxy may have
/// dropped it without closing it.
const STALL_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after a failed attempt to connect: doubled each time, from the first to the second.
const MIN_BACKOFF: Duration = Duration::from_millis(20);
const MAX_BACKOFF: Duration = Duration::from_millis(250);
/// How often a server in use is asked for its role. A worker that only reads learns from it, and from
/// nothing else, that its server became a replica.
const ROLE_INTERVAL: Duration = Duration::from_secs(1);

/// The connection of one runtime. Only tasks of that runtime use it, so that no thread wakes another
/// for an answer.
pub(super) struct RuntimeConnection {
    endpoint: Endpoint,
    state: Mutex<State>,
    /// The connection to a sentinel that is asked where the primary is.
    #[cfg(feature = "sentinel")]
    watch: tokio::sync::Mutex<Option<Watch>>,
    /// Tells the [guard](super::RuntimeGuard)'s task that the connection was dropped.
    _dropped: oneshot::Sender<()>,
}

struct State {
    /// The last attempt to connect: under way, established, or failed.
    attempt: Option<Attempt>,
    /// The number of attempts.
    number: u64,
    /// When the next attempt may start, if the last one failed.
    next_at: Option<Instant>,
    backoff: Duration,
    /// When the first request was sent since the last answer.
    unanswered_since: Option<Instant>,
    /// When the server is asked for its role, and a sentinel where the primary is: with the answer to a request that
    /// was sent later.
    role_due: Option<Instant>,
    /// Whether the server refuses to tell its role.
    role_refused: bool,
    pace: Pace,
    /// Where the last connection leads to.
    #[cfg(feature = "sentinel")]
    address: Option<ConnectionAddr>,
}

#[derive(Clone)]
enum Attempt {
    /// Under way, or failed: its future has the error.
    UnderWay(Connecting),
    Established(MultiplexedConnection),
}

/// Resolves to `None` when the runtime shuts down.
type Connecting = Shared<BoxFuture<'static, Option<RedisResult<MultiplexedConnection>>>>;

/// The connection for one request.
pub(super) struct CheckedOut {
    pub(super) connection: MultiplexedConnection,
    /// The number of the attempt that established it.
    number: u64,
    /// When the request is sent.
    sent_at: Instant,
}

impl RuntimeConnection {
    pub(super) fn new(endpoint: Endpoint, dropped: oneshot::Sender<()>) -> Self {
        let state = State {
            attempt: None,
            number: 0,
            next_at: None,
            backoff: MIN_BACKOFF,
            unanswered_since: None,
            role_due: None,
            role_refused: false,
            pace: Pace::new(),
            #[cfg(feature = "sentinel")]
            address: None,
        };
        Self {
            endpoint,
            state: Mutex::new(state),
            #[cfg(feature = "sentinel")]
            watch: tokio::sync::Mutex::default(),
            _dropped: dropped,
        }
    }

    /// Returns the connection, and records that a request is sent over it: the caller does so at once.
    pub(super) async fn connected(self: &Arc<Self>) -> RedisResult<CheckedOut> {
        let now = Instant::now();
        let (number, attempt) = self.current_attempt(now);
        let connecting = match attempt {
            Attempt::Established(connection) => {
                return Ok(CheckedOut { connection, number, sent_at: now });
            }
            Attempt::UnderWay(connecting) => connecting,
        };
        let shut_down =
            || io::Error::new(io::ErrorKind::NotConnected, "the Tokio runtime is shutting down");
        let connection = connecting.await.ok_or_else(shut_down)??;
        let sent_at = Instant::now();
        let mut state = self.state();
        if state.number == number {
            state.request_sent(sent_at);
        }
        Ok(CheckedOut { connection, number, sent_at })
    }

    /// Returns the current attempt and its number. Starts one if there is none, if the last one failed a while
    /// ago, or if its connection stalled. Records the request if the connection is established.
    fn current_attempt(self: &Arc<Self>, now: Instant) -> (u64, Attempt) {
        let mut state = self.state();
        if let Some(attempt) = &state.attempt {
            let may_retry = state.next_at.is_some_and(|at| at <= now);
            let is_stalled =
                state.unanswered_since.is_some_and(|since| since + STALL_TIMEOUT <= now);
            if !may_retry && !is_stalled {
                let attempt = attempt.clone();
                if let Attempt::Established(_) = attempt {
                    state.request_sent(now);
                }
                return (state.number, attempt);
            }
        }
        let number = state.number + 1;
        let task = tokio::spawn(Arc::clone(self).establish(number));
        let attempt = Attempt::UnderWay(task.map(Result::ok).boxed().shared());
        state.attempt = Some(attempt.clone());
        state.number = number;
        state.next_at = None;
        state.unanswered_since = None;
        state.role_due = Some(now);
        state.role_refused = false;
        (number, attempt)
    }

    async fn establish(self: Arc<Self>, number: u64) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(None);
        let result = async {
            let client = self.endpoint.client().await?;
            #[cfg(feature = "sentinel")]
            self.state().address.clone_from(&Some(client.get_connection_info().addr().clone()));
            client.get_multiplexed_async_connection_with_config(&config).await
        };
        // The function of the credentials is the application's. No later attempt must wait for a dead one.
        let result = AssertUnwindSafe(result).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err(panicked().into()));
        let result = result.map_err(|err| self.not_connected(&err));
        let mut state = self.state();
        if state.number == number {
            match &result {
                Ok(connection) => {
                    state.backoff = MIN_BACKOFF;
                    if let Some(attempt) = &mut state.attempt {
                        *attempt = Attempt::Established(connection.clone());
                    }
                }
                Err(_) => {
                    state.next_at = Some(Instant::now() + state.backoff);
                    state.backoff = MAX_BACKOFF.min(state.backoff * 2);
                }
            }
        }
        result
    }

    /// Says which server does not accept a connection. The address has no password.
    fn not_connected(&self, err: &RedisError) -> RedisError {
        let kind = match err.code() {
            Some(_) => io::ErrorKind::Other,
            None => io::ErrorKind::NotConnected,
        };
        io::Error::new(kind, format!("cannot connect to {}: {err}", self.endpoint)).into()
    }

    /// Records what came of a request. If that is due, also asks the server for its role, and a sentinel where
    /// the primary is.
    pub(super) fn request_done(self: &Arc<Self>, checked_out: CheckedOut, answer: Answer) {
        let mut state = self.state();
        state.record_answer(checked_out.number, answer);
        if state.number == checked_out.number
            && state.role_due.is_some_and(|due| due <= checked_out.sent_at)
        {
            let role_refused = state.role_refused;
            if !role_refused || self.endpoint.is_watched() {
                state.role_due = Some(checked_out.sent_at + ROLE_INTERVAL);
                drop(state);
                self.ask_role(checked_out, role_refused);
            }
        }
    }

    /// Asks in a task of its own, so that no request waits for the answers.
    #[cold]
    fn ask_role(self: &Arc<Self>, checked_out: CheckedOut, role_refused: bool) {
        let CheckedOut { mut connection, number, .. } = checked_out;
        let current = Arc::clone(self);
        tokio::spawn(async move {
            if !role_refused {
                let role = connection.send_packed_command(Cmd::new().arg("ROLE")).await;
                let answer = Answer::of_role(&role);
                if answer == Answer::Came && matches!(role, Ok(Value::ServerError(_))) {
                    current.refused_role(number);
                }
                current.state().record_answer(number, answer);
            }
            #[cfg(feature = "sentinel")]
            if current.has_moved().await {
                current.moved(number);
            }
        });
    }

    /// Records that the server does not tell its role: it is not asked again over this connection.
    fn refused_role(&self, number: u64) {
        let mut state = self.state();
        if state.number == number {
            state.role_refused = true;
        }
    }

    /// Records that the sentinels name another server. It is no answer of the server: whether that one is
    /// silent remains to be seen.
    #[cfg(feature = "sentinel")]
    fn moved(&self, number: u64) {
        let mut state = self.state();
        if state.number == number && state.attempt.is_some() {
            state.leave_server();
        }
    }

    /// Whether a sentinel names another server than the one of the last connection. A primary that the
    /// sentinels replaced goes on as one for seconds.
    #[cfg(feature = "sentinel")]
    async fn has_moved(&self) -> bool {
        // One question at a time: while sentinels are silent, no others queue up behind it.
        let Ok(mut watch) = self.watch.try_lock() else { return false };
        if watch.is_none() {
            *watch = self.endpoint.watch().await.and_then(Result::ok);
        }
        let Some(sentinel) = watch.as_mut() else { return false };
        let named = timeout(CONNECT_TIMEOUT, sentinel.primary()).await;
        let Ok(Ok((host, port))) = named else {
            // The next time whichever answers first is asked.
            *watch = None;
            return false;
        };
        drop(watch);
        match &self.state().address {
            Some(
                ConnectionAddr::Tcp(at, at_port)
                | ConnectionAddr::TcpTls { host: at, port: at_port, .. },
            ) => (at, *at_port) != (&host, port),
            _ => false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn request_sent(&mut self, now: Instant) {
        self.unanswered_since.get_or_insert(now);
    }

    /// Records what came of a request over the connection of this attempt.
    fn record_answer(&mut self, number: u64, answer: Answer) {
        // Answers that an old connection still gets tell nothing about the one in use.
        if self.number != number || self.attempt.is_none() {
            return;
        }
        match answer {
            Answer::Came => self.unanswered_since = None,
            Answer::NotPrimary => {
                self.unanswered_since = None;
                self.leave_server();
            }
            Answer::Broke => self.attempt = None,
        }
    }

    /// Gives up the connection, whose server is not the primary, unless one was given up just before.
    fn leave_server(&mut self) {
        if self.pace.allows(Instant::now()) {
            self.attempt = None;
        }
    }
}

fn panicked() -> io::Error {
    io::Error::other(
        "the attempt panicked, in the function that returns the credentials or in the client of Redis; \
         standard error has the message of the panic",
    )
}
