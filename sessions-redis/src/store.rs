//! The store.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    io,
    time::Duration,
};

use redis::{
    Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisResult,
    ServerErrorKind, Value,
};
use sessions::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};

use tokio::time::timeout;

use crate::{
    connect::Connect,
    connection::{CONNECT_TIMEOUT, Connection},
    error::{corrupt, store_error},
    script::{self, Call},
};

const PREFIX: &str = "session:";

/// A store in Redis.
///
/// Made of a URL it has one multiplexed [`Connection`] for each worker, which is made when it is
/// first needed and made again whenever it is lost: the application starts while Redis is down, and
/// requests that need a session are answered with 503 until it is up. Clones share the connections.
///
/// What is asked is asked once more, over another connection, when the connection breaks before the
/// answer comes: servers and what stands before them close connections that were idle. Scripts
/// recognise what they have done before, so that nothing is done twice.
#[derive(Clone)]
pub struct RedisStore<C = Connection> {
    connections: C,
    pub(crate) prefix: Box<str>,
    durable: Option<Durable>,
}

/// What a deletion waits for.
#[derive(Clone, Copy, Debug)]
struct Durable {
    replicas: usize,
    timeout: Duration,
}

impl RedisStore {
    /// Returns a store on one server: `redis://[user:password@]host[:port][/database]`, with the
    /// feature `tls` also `rediss://`. It connects when it is first used, once in each Tokio runtime
    /// that uses it: a worker of Actix Web is one.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is none.
    pub fn new(url: impl IntoConnectionInfo) -> io::Result<Self> {
        Connection::new(url).map(Self::from_connection)
    }

    /// Connects to one server, and returns a store on it: for a `main` that wants to stop early.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is none, [`io::ErrorKind::NotConnected`] when
    /// the server does not answer within half a second, or does not let the store read.
    pub async fn connect(url: impl IntoConnectionInfo) -> io::Result<Self> {
        let connection = Connection::new(url)?;
        let address = connection.address();
        Self::from_connection(connection).checked(&address).await
    }
}

impl<C: Connect> RedisStore<C> {
    /// Returns a store on a connection that the application has: a `ConnectionManager`, a
    /// `ClusterConnection`, or a [`Pool`](crate::Pool).
    pub fn from_connection(connections: C) -> Self {
        Self { connections, prefix: PREFIX.into(), durable: None }
    }

    /// Sets what keys begin with. Defaults to `session:`. Applications that share a server take
    /// different ones.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Has deletions wait, with `WAIT`, until this many replicas have them, so that a failover does
    /// not undo a logout that was acknowledged. One that was not confirmed in time is an error: the
    /// session has ended, and a failover may still bring it back.
    ///
    /// Redis holds back everything else on the worker's connection while one waits: keep `timeout`
    /// short, and below the deadline of a call, 500 ms. Not for a cluster. What it does not promise:
    /// a replica that is promoted without having been among those that answered (Redis
    /// documentation, `WAIT`).
    #[must_use]
    pub fn durable_delete(mut self, replicas: usize, timeout: Duration) -> Self {
        self.durable = Some(Durable { replicas, timeout });
        self
    }

    /// Returns the store when it can be read.
    pub(crate) async fn checked(self, address: &str) -> io::Result<Self> {
        let key = RecordKey::from_bytes([0; 32]);
        let read = timeout(CONNECT_TIMEOUT, self.load(&key, None)).await;
        match read.unwrap_or(Err(StoreError::Timeout)) {
            Ok(_) | Err(StoreError::Corrupt { .. }) => Ok(self),
            Err(StoreError::Unavailable { source }) => Err(not_connected(address, &source)),
            Err(err) => Err(not_connected(address, &err)),
        }
    }

    pub(crate) async fn run<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        let unknown = ErrorKind::Server(ServerErrorKind::NoScript);
        let answer = match self.send(call.by_hash()).await? {
            Err(err) if err.kind() == unknown => self.send(&call.by_text()).await?,
            answer => answer,
        };
        read(answer)
    }

    pub(crate) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        read(self.send(command).await?)
    }

    /// Sends what may be sent again when the connection breaks.
    async fn send(&self, command: &Cmd) -> Result<RedisResult<Value>, StoreError> {
        let mut connection = self.connections.connect().await?;
        let answer = command.query_async(&mut connection).await;
        if !answer.as_ref().is_err_and(is_cut_off) {
            return Ok(answer);
        }
        let mut connection = self.connections.connect().await?;
        Ok(command.query_async(&mut connection).await)
    }

    fn record(&self, key: &RecordKey) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Deletes, and waits for the replicas in the same round trip.
    async fn delete_durably(&self, key: String, durable: Durable) -> Result<bool, StoreError> {
        let timeout = millis(durable.timeout);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("DEL").arg(key).cmd("WAIT").arg(durable.replicas).arg(timeout);
        let mut connection = self.connections.connect().await?;
        let (deleted, confirmed): (bool, usize) =
            pipeline.query_async(&mut connection).await.map_err(store_error)?;
        if confirmed < durable.replicas {
            return Err(StoreError::unavailable(NotConfirmed));
        }
        Ok(deleted)
    }
}

impl<C: Connect> Store for RedisStore<C> {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let keys = [&*self.record(key)];
        let create = script::CREATE.on(&keys).arg(record.to_bytes()).arg(millis(ttl)).arg(&mark());
        Ok(if self.run(&create).await? {
            CreateOutcome::Created(Revision::FIRST)
        } else {
            CreateOutcome::Exists
        })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let keys = [&*self.record(key)];
        let mut load = script::LOAD.on(&keys);
        if let Some(Touch { ttl, interval }) = touch {
            load = load.arg(millis(ttl)).arg(millis(interval));
        }
        let found: Option<Vec<u8>> = self.run(&load).await?;
        found.map(|found| loaded(&found)).transpose()
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let keys = [&*self.record(key)];
        let replace = script::REPLACE.on(&keys).arg(revision.get()).arg(record.to_bytes());
        let replace = replace.arg(millis(ttl)).arg(&mark());
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
        let key = self.record(key);
        let deleted = match self.durable {
            Some(durable) => self.delete_durably(key, durable).await?,
            None => self.command(redis::cmd("DEL").arg(key)).await?,
        };
        Ok(if deleted { DeleteOutcome::Deleted } else { DeleteOutcome::Absent })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let keys = [&*self.record(key)];
        let delete = script::DELETE_IF.on(&keys).arg(revision.get());
        Ok(match self.run::<i64>(&delete).await? {
            1 => DeleteIfOutcome::Deleted,
            0 => DeleteIfOutcome::Conflict,
            _ => DeleteIfOutcome::Gone,
        })
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

/// Reads revision, milliseconds left, whether they began anew, and the record: one text, since that
/// is read faster than a list.
fn loaded(found: &[u8]) -> Result<Loaded, StoreError> {
    let mut words = found.splitn(4, |byte| *byte == b' ');
    let mut number = || {
        let word = words.next().and_then(|word| str::from_utf8(word).ok());
        // None is less than zero: every record has an expiry, and this one was tampered with.
        word.and_then(|word| word.parse::<u64>().ok()).ok_or_else(corrupt)
    };
    let (revision, left, touched) = (number()?, number()?, number()?);
    Ok(Loaded {
        record: Record::from_bytes(words.next().ok_or_else(corrupt)?)?,
        revision: Revision::new(revision),
        expires_in: Duration::from_millis(left),
        touched: touched == 1,
    })
}

/// Reads an answer that is whole: when it is not what a script returns, it is not of our record.
fn read<T: FromRedisValue>(answer: RedisResult<Value>) -> Result<T, StoreError> {
    T::from_redis_value(answer.map_err(store_error)?).map_err(|_| corrupt())
}

/// Whether the connection broke, in the midst of an answer perhaps.
fn is_cut_off(err: &RedisError) -> bool {
    err.is_connection_dropped() || err.kind() == ErrorKind::Parse
}

pub(crate) fn not_connected(address: &str, err: &(impl fmt::Display + ?Sized)) -> io::Error {
    let message = format!("no connection to Redis at {address}: {err}");
    io::Error::new(io::ErrorKind::NotConnected, message)
}

/// Returns eight bytes by which a script recognises a call that it gets twice.
fn mark() -> [u8; 8] {
    RandomState::new().hash_one(()).to_be_bytes()
}

/// At least one, since Redis takes no expiry of zero.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 2)
}

impl<C> fmt::Debug for RedisStore<C> {
    /// Shows no address: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The replicas did not answer.
#[derive(Debug)]
struct NotConfirmed;

impl fmt::Display for NotConfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too few replicas confirmed a deletion in time")
    }
}

impl std::error::Error for NotConfirmed {}
