//! `RedisStore`, and its operations on records.

mod loaded;
pub(crate) mod ready;
mod server_failed;

use std::{
    any::Any,
    error::Error,
    fmt::{self, Write},
    hash::{BuildHasher, RandomState},
    io,
    sync::Arc,
    time::Duration,
};

use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value,
};
use sessions::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, NotReady, OwnerIndex, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};

use self::loaded::parse_loaded;
use crate::{
    address::Address,
    connect::Connect,
    connection::Connection,
    error::{corrupt, is_role_change},
    script::{self, Call},
};

const PREFIX: &str = "session:";

/// A store in Redis or Valkey.
///
/// A store made from a URL has one multiplexed [`Connection`] for each worker. It connects when a
/// connection is first needed, and again whenever one breaks: the application starts while Redis is
/// down, and requests that need a session are answered with 503 until Redis is up. Clones share the
/// connections.
///
/// When a connection breaks before the answer arrives, the store repeats the call once over a new
/// connection, since servers and proxies close idle connections. Creating or replacing a record
/// carries an idempotency key, so that a repeated call is not applied twice.
#[derive(Clone)]
pub struct RedisStore<C = Connection> {
    connections: C,
    pub(crate) prefix: Box<str>,
    durable_delete: Option<DurableDelete>,
    /// Names the server in errors, where it is known.
    server: Option<Arc<str>>,
}

/// The confirmations that a deletion waits for.
#[derive(Clone, Copy, Debug)]
struct DurableDelete {
    replicas: usize,
    timeout: Duration,
}

impl RedisStore {
    /// Returns a store on one server: `redis://[user:password@]host[:port][/database]`, with the
    /// feature `tls` also `rediss://`. It connects on first use, once in each Tokio runtime that uses
    /// it, which means once in each worker of Actix Web.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is invalid.
    pub fn new(url: impl Address) -> io::Result<Self> {
        Connection::new(url).map(Self::from_connection)
    }

    /// Connects to one server, and returns a store on it: for a `main` that must not start without
    /// Redis.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is invalid, [`io::ErrorKind::NotConnected`] when
    /// the server does not answer within half a second, or does not permit the store to read.
    pub async fn connect(url: impl Address) -> io::Result<Self> {
        Self::from_connection(Connection::new(url)?).checked().await
    }

    /// Connects to the primary that sentinels watch, and returns a store on it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] when no sentinel names a primary that answers, or that permits the
    /// store to read.
    #[cfg(feature = "sentinel")]
    pub async fn connect_sentinel(primary: crate::Sentinel) -> io::Result<Self> {
        Self::from_connection(Connection::sentinel(primary)).checked().await
    }
}

impl<C: Connect> RedisStore<C> {
    /// Returns a store on a [`Connection`], or on the application's own: a `ConnectionManager`, a
    /// `ClusterConnection`, or a [`Pool`](crate::Pool).
    pub fn from_connection(connections: C) -> Self {
        let own = (&connections as &dyn Any).downcast_ref::<Connection>();
        let server = own.map(|own| own.server().into());
        Self { connections, prefix: PREFIX.into(), durable_delete: None, server }
    }

    /// Sets the prefix of all keys. Defaults to `session:`. Applications that share a server need
    /// different prefixes.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Makes deletions wait, with `WAIT`, until this many replicas have confirmed them, so that a
    /// failover does not undo an acknowledged logout. A deletion that is not confirmed in time is an
    /// error: the record is deleted, and a failover may restore it.
    ///
    /// Every deletion of a record waits: a purge, emptying a session, ending one from the list of its
    /// owner's or all of them. Writes do not wait: a failover may undo a login or a renewal, and after
    /// that the token from before it opens the session from before it.
    ///
    /// While a deletion waits, Redis delays every other request on the worker's connection: keep
    /// `timeout` short, and below the deadline of a call, 500 ms. Not for a cluster. A failover can
    /// still undo a deletion if it promotes a replica that was not among those that confirmed it
    /// (Redis documentation, `WAIT`).
    #[must_use]
    pub fn durable_delete(mut self, replicas: usize, timeout: Duration) -> Self {
        self.durable_delete = Some(DurableDelete { replicas, timeout });
        self
    }

    /// Sets the addresses of a cluster, for the texts of errors.
    #[cfg(feature = "cluster")]
    pub(crate) fn of_cluster(self, addresses: &str) -> Self {
        Self { server: Some(format!("the Redis cluster at {addresses}").into()), ..self }
    }

    /// Converts a complete answer. An unexpected type means that the value is not a record of this store.
    fn parse<T: FromRedisValue>(&self, answer: RedisResult<Value>) -> Result<T, StoreError> {
        let answer = answer.map_err(|err| self.error(err))?;
        T::from_redis_value(answer).map_err(|_| corrupt())
    }

    /// Runs a script.
    pub(crate) async fn run<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        let no_script = ErrorKind::Server(ServerErrorKind::NoScript);
        let answer = match self.send(call.by_hash()).await? {
            Err(err) if err.kind() == no_script => self.send(&call.by_text()).await?,
            answer => answer,
        };
        self.parse(answer)
    }

    /// Runs a command that may be repeated.
    pub(crate) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.parse(self.send(command).await?)
    }

    /// Sends a command, and repeats it once if the connection breaks, or if the server is not the primary
    /// and has not done it.
    async fn send(&self, command: &Cmd) -> Result<RedisResult<Value>, StoreError> {
        let mut connection = self.connections.connect().await?;
        let answer = command.query_async(&mut connection).await;
        if !answer.as_ref().is_err_and(|err| is_disconnect(err) || is_role_change(err)) {
            return Ok(answer);
        }
        let mut connection = self.connections.connect().await?;
        Ok(command.query_async(&mut connection).await)
    }

    fn record_key(&self, key: &RecordKey) -> String {
        // A key is 43 characters of base64url.
        let mut name = String::with_capacity(self.prefix.len() + 43);
        name.push_str(&self.prefix);
        write!(name, "{key}").expect("a string takes text");
        name
    }

    /// Sends a deletion, and waits for the replicas in the same round trip. Returns its answer, and
    /// whether enough replicas confirmed it.
    ///
    /// It is repeated once if the server is not the primary and has not done it, and not when the
    /// connection breaks: `WAIT` counts what its own connection wrote.
    async fn send_durably<T: FromRedisValue>(
        &self,
        deletion: Cmd,
        durable: DurableDelete,
    ) -> Result<(T, Result<(), StoreError>), StoreError> {
        let DurableDelete { replicas: required, timeout } = durable;
        let mut pipeline = Pipeline::new();
        pipeline.add_command(deletion).cmd("WAIT").arg(required).arg(millis(timeout));
        pipeline.ignore_errors();
        let mut attempts = 0;
        let (answer, confirmed) = loop {
            attempts += 1;
            let mut connection = self.connections.connect().await?;
            let answers = pipeline.query_async(&mut connection).await;
            let (answer, confirmed): (RedisResult<Value>, _) =
                answers.map_err(|err| self.error(err))?;
            if attempts > 1 || !answer.as_ref().is_err_and(is_role_change) {
                break (answer, confirmed);
            }
        };
        let confirmed = match self.parse(confirmed) {
            Ok(confirmed) if confirmed < required => {
                Err(StoreError::unavailable(UnconfirmedDelete { confirmed, required }))
            }
            confirmed => confirmed.map(drop),
        };
        Ok((self.parse(answer)?, confirmed))
    }
}

impl<C: Connect> Store for RedisStore<C> {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let bytes = record.to_bytes();
        let keys = [&*self.record_key(key)];
        let create = script::CREATE.with_capacity(&keys, bytes.len()).arg(bytes);
        let create = create.arg(millis(ttl)).arg(&idempotency_key());
        Ok(match self.run(&create).await? {
            0 => CreateOutcome::Exists,
            revision => CreateOutcome::Created(Revision::new(revision)),
        })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let keys = [&*self.record_key(key)];
        let mut load = script::LOAD.on(&keys);
        if let Some(Touch { ttl, interval }) = touch {
            load = load.arg(millis(ttl)).arg(millis(interval));
        }
        let answer: Option<Vec<u8>> = self.run(&load).await?;
        answer.map(|answer| parse_loaded(&answer)).transpose()
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let bytes = record.to_bytes();
        let keys = [&*self.record_key(key)];
        let replace = script::REPLACE.with_capacity(&keys, bytes.len());
        let replace = replace.arg(revision.get()).arg(bytes);
        let replace = replace.arg(millis(ttl)).arg(&idempotency_key());
        Ok(match self.run::<i64>(&replace).await? {
            -1 => ReplaceOutcome::Gone,
            0 => ReplaceOutcome::Conflict,
            next => {
                let next = u64::try_from(next).map_err(|_| corrupt())?;
                ReplaceOutcome::Replaced(Revision::new(next))
            }
        })
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let mut delete = Cmd::new();
        delete.arg("DEL").arg(self.record_key(key));
        let deleted = match self.durable_delete {
            Some(durable) => {
                let (deleted, confirmed) = self.send_durably(delete, durable).await?;
                confirmed?;
                deleted
            }
            None => self.command(&delete).await?,
        };
        Ok(if deleted { DeleteOutcome::Deleted } else { DeleteOutcome::Absent })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let keys = [&*self.record_key(key)];
        let delete = script::DELETE_IF.on(&keys).arg(revision.get());
        let (answer, confirmed) = match self.durable_delete {
            // By its text: `NOSCRIPT` would cost a second wait.
            Some(durable) => self.send_durably(delete.by_text(), durable).await?,
            None => (self.run::<i64>(&delete).await?, Ok(())),
        };
        Ok(match answer {
            0 => DeleteIfOutcome::Conflict,
            deleted => {
                confirmed?;
                if deleted == 1 { DeleteIfOutcome::Deleted } else { DeleteIfOutcome::Gone }
            }
        })
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }

    fn server(&self) -> Option<String> {
        self.server.as_deref().map(str::to_owned)
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.check_ready().await
    }
}

/// Whether the connection broke, possibly in the middle of an answer.
fn is_disconnect(err: &RedisError) -> bool {
    err.is_connection_dropped() || err.kind() == ErrorKind::Parse
}

/// Returns eight random bytes by which a script recognises a repeated call.
fn idempotency_key() -> [u8; 8] {
    RandomState::new().hash_one(()).to_be_bytes()
}

/// Returns whole milliseconds: at least one, since Redis rejects an expiry of zero.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 2)
}

impl<C> fmt::Debug for RedisStore<C> {
    /// Shows no address: it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Too few replicas confirmed a deletion.
#[derive(Debug)]
struct UnconfirmedDelete {
    confirmed: usize,
    required: usize,
}

impl fmt::Display for UnconfirmedDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { confirmed, required } = self;
        write!(
            f,
            "{confirmed} of {required} replicas confirmed a deletion in time, and a failover may undo \
             it; check the replicas, or raise the timeout of `durable_delete`"
        )
    }
}

impl Error for UnconfirmedDelete {}
