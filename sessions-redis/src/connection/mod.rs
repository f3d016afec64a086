//! The connections that a store makes from a URL.

mod answer;
mod endpoint;
mod pace;
mod runtime;

use std::{
    collections::HashMap,
    error::Error,
    fmt, io,
    sync::{Arc, PoisonError, RwLock, Weak},
};

use redis::{Cmd, Pipeline, RedisFuture, Value, aio::ConnectionLike};
use tokio::{
    runtime::{Handle, Id},
    sync::oneshot,
};

use self::{answer::Answer, endpoint::Endpoint, runtime::RuntimeConnection};
#[cfg(feature = "sentinel")]
use crate::sentinel::Sentinel;
use crate::{
    address::Address,
    credentials::{Credentials, CredentialsSource},
};

/// A handle to one server, with one connection for each Tokio runtime that uses it, and so one for
/// each worker of Actix Web.
///
/// A connection is established when it is first needed, and again when it breaks, or when a second
/// passes without any answer to what was sent. It is closed when its runtime shuts down.
///
/// A connection is also given up when its server says that it is not the primary: with `READONLY`,
/// `LOADING`, `MASTERDOWN` or `NOREPLICAS` in an answer, or when it is asked for its `ROLE`, about once a
/// second while there are requests. The next connection goes where the address leads then. A server that
/// remains a replica gets a new connection at most once a second.
///
/// While there is no connection, the next request starts an attempt to connect, and all requests of
/// the runtime wait for that one. Failed attempts are 20 ms apart at first, and 250 ms later. A
/// connection sets no limit for an answer: its caller does, as [`ServerSide`](sessions::ServerSide)
/// with its deadline.
#[derive(Clone)]
pub struct Connection(Arc<RuntimeConnections>);

struct RuntimeConnections {
    endpoint: Endpoint,
    by_runtime: RwLock<HashMap<Id, Arc<RuntimeConnection>>>,
}

impl Connection {
    /// Returns a handle to one server, without connecting yet: to be wrapped before it is given to
    /// [`RedisStore::from_connection`](crate::RedisStore::from_connection). See
    /// [`RedisStore::new`](crate::RedisStore::new) for the URL.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is invalid.
    pub fn new(url: impl Address) -> io::Result<Self> {
        Endpoint::at(url).map(Self::to)
    }

    /// Returns a handle to the primary that sentinels watch, without connecting yet. A connection is
    /// given up as well when a sentinel, asked about once a second while there are requests, names
    /// another primary.
    #[cfg(feature = "sentinel")]
    pub fn sentinel(primary: Sentinel) -> Self {
        Self::to(Endpoint::watched(primary))
    }

    /// Asks a function for the user and password before each connection: for passwords that change, and
    /// for the tokens that clouds give out. They replace those of the URL. A connection that is
    /// established stays as it is. While the function fails, so do the requests that need a connection. It
    /// fails too when it panics, or takes longer than five seconds. It is asked again, with pauses that grow
    /// to 250 ms, when requests need a connection.
    ///
    /// # Security
    ///
    /// The text of the function's error is part of the store's, and goes into the log, and with
    /// `HealthCheck::with_reason` into the answer of the health check: it must contain no secret.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn example() -> std::io::Result<()> {
    /// use sessions_redis::{Connection, Credentials, RedisStore};
    ///
    /// let connection = Connection::new("redis://10.0.0.5:6379")?.with_credentials_from(async || {
    ///     let password = tokio::fs::read_to_string("/run/secrets/redis").await?;
    ///     Ok::<_, std::io::Error>(Credentials::new("app", password.trim()))
    /// });
    /// let store = RedisStore::from_connection(connection);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_credentials_from<F, Fut, E>(self, credentials: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credentials, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let endpoint = self.0.endpoint.clone();
        Self::to(endpoint.with_credentials_from(CredentialsSource::new(credentials)))
    }

    fn to(endpoint: Endpoint) -> Self {
        Self(Arc::new(RuntimeConnections { endpoint, by_runtime: RwLock::default() }))
    }

    /// Names the server, for the text of an error.
    pub(crate) fn server(&self) -> String {
        self.0.endpoint.to_string()
    }
}

impl RuntimeConnections {
    /// Returns the connection of the current runtime.
    fn current(self: &Arc<Self>) -> Arc<RuntimeConnection> {
        let runtime = Handle::current();
        let id = runtime.id();
        let connections = self.by_runtime.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = connections.get(&id) {
            return Arc::clone(connection);
        }
        drop(connections);
        let (sender, dropped) = oneshot::channel();
        let new = Arc::new(RuntimeConnection::new(self.endpoint.clone(), sender));
        let mut connections = self.by_runtime.write().unwrap_or_else(PoisonError::into_inner);
        let connection = Arc::clone(connections.entry(id).or_insert_with(|| Arc::clone(&new)));
        drop(connections);
        if Arc::ptr_eq(&connection, &new) {
            let guard = RuntimeGuard { connections: Arc::downgrade(self), id };
            runtime.spawn(async move {
                let _guard = guard;
                // Nothing is ever sent: this ends when the connection is dropped.
                let _ = dropped.await;
            });
        }
        connection
    }
}

/// Removes the connection of a runtime when the runtime shuts down and drops the task that owns this
/// guard.
struct RuntimeGuard {
    connections: Weak<RuntimeConnections>,
    id: Id,
}

impl Drop for RuntimeGuard {
    fn drop(&mut self) {
        if let Some(connections) = self.connections.upgrade() {
            let mut by_runtime =
                connections.by_runtime.write().unwrap_or_else(PoisonError::into_inner);
            let connection = by_runtime.remove(&self.id);
            drop(by_runtime);
            drop(connection);
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let current = self.0.current();
            let mut checked_out = current.connected().await?;
            let result = checked_out.connection.send_packed_command(command).await;
            current.request_done(checked_out, Answer::of(&result));
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
            let current = self.0.current();
            let mut checked_out = current.connected().await?;
            let result = checked_out.connection.send_packed_commands(pipeline, offset, count).await;
            current.request_done(checked_out, Answer::of_all(result.as_deref()));
            result
        })
    }

    fn get_db(&self) -> i64 {
        self.0.endpoint.database()
    }
}

impl fmt::Debug for Connection {
    /// Shows no address: it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}
