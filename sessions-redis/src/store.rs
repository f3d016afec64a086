//! The store.

use std::{fmt, io, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline,
    ScriptInvocation,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use sessions::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};

use crate::{
    connect::Connect,
    error::{corrupt, store_error},
    script,
};

/// How long a connection may take to be made, and to be made again.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Below the deadline that a call has, so that the client forgets it first.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(450);
/// The pauses between attempts to connect again: from the first to the longest. A server that is
/// back is found within the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));
const PREFIX: &str = "session:";

/// A store in Redis.
///
/// Made of a URL it has one multiplexed connection for all workers, which is made when it is first
/// needed and made again whenever it is lost: the application starts while Redis is down, and
/// requests that need a session are answered with 503 until it is up. Connecting may take 500 ms, an
/// answer 450 ms. Clones share the connection.
#[derive(Clone)]
pub struct RedisStore<C = ConnectionManager> {
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
    /// feature `tls` also `rediss://`. To be called within a Tokio runtime, `actix_web::main` say.
    /// It connects when it is first used.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is none.
    pub fn new(url: impl IntoConnectionInfo) -> io::Result<Self> {
        manager(client(url)?).map(Self::from_connection)
    }

    /// Connects to one server, and returns a store on it: for a `main` that wants to stop early.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is none, [`io::ErrorKind::NotConnected`] when
    /// the server does not answer within half a second.
    pub async fn connect(url: impl IntoConnectionInfo) -> io::Result<Self> {
        let client = client(url)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|err| io::Error::new(io::ErrorKind::NotConnected, err))?;
        manager(client).map(Self::from_connection)
    }
}

fn client(url: impl IntoConnectionInfo) -> io::Result<Client> {
    Client::open(url).map_err(|err| io::Error::new(io::ErrorKind::InvalidInput, err))
}

fn manager(client: Client) -> io::Result<ConnectionManager> {
    let (first_pause, longest_pause) = PAUSES;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_min_delay(first_pause)
        .set_max_delay(longest_pause)
        // Until it is back. Requests do not wait for it longer than their deadline.
        .set_number_of_retries(usize::MAX);
    ConnectionManager::new_lazy_with_config(client, config)
        .map_err(|err| io::Error::new(io::ErrorKind::InvalidInput, err))
}

#[cfg(feature = "cluster")]
impl RedisStore<redis::cluster_async::ClusterConnection> {
    /// Connects to a cluster through some of its nodes, and returns a store on it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when there is no node or a URL is none,
    /// [`io::ErrorKind::NotConnected`] when none of them answers.
    pub async fn connect_cluster<T: IntoConnectionInfo>(
        nodes: impl IntoIterator<Item = T>,
    ) -> io::Result<Self> {
        let longest_pause = u64::try_from(PAUSES.1.as_millis()).unwrap_or(u64::MAX);
        let client = redis::cluster::ClusterClient::builder(nodes)
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(RESPONSE_TIMEOUT)
            .overall_response_timeout(Some(RESPONSE_TIMEOUT))
            .max_retry_wait(longest_pause)
            .build()
            .map_err(|err| io::Error::new(io::ErrorKind::InvalidInput, err))?;
        let connection = client.get_async_connection().await;
        let connection =
            connection.map_err(|err| io::Error::new(io::ErrorKind::NotConnected, err))?;
        Ok(Self::from_connection(connection))
    }
}

impl<C: Connect> RedisStore<C> {
    /// Returns a store on a connection that the application has: a `ConnectionManager`, a
    /// `ClusterConnection`, or a [`Pool`](crate::Pool).
    ///
    /// Give it a response timeout below the deadline of a call, 500 ms: a client without one waits
    /// for a server that hangs for as long as that hangs.
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
    /// not undo a logout that was acknowledged. One that was not confirmed in time is an error to
    /// the client, who tries again.
    ///
    /// Redis holds back everything else on the connection while one waits: keep `timeout` short, and
    /// below 450 ms. Not for a cluster. What it does not promise: a replica that is promoted without
    /// having been among those that answered (Redis documentation, `WAIT`).
    #[must_use]
    pub fn durable_delete(mut self, replicas: usize, timeout: Duration) -> Self {
        self.durable = Some(Durable { replicas, timeout });
        self
    }

    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connections.connect().await?;
        script.invoke_async(&mut connection).await.map_err(store_error)
    }

    pub(crate) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut connection = self.connections.connect().await?;
        command.query_async(&mut connection).await.map_err(store_error)
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
        let mut create = script::CREATE.key(self.record(key));
        create.arg(record.to_bytes()).arg(millis(ttl));
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
        let mut load = script::LOAD.key(self.record(key));
        if let Some(Touch { ttl, interval }) = touch {
            load.arg(millis(ttl)).arg(millis(interval));
        }
        let found: Option<Found> = self.run(&load).await?;
        let Some((revision, record, left, touched)) = found else { return Ok(None) };
        let (Some(revision), Some(record)) = (revision, record) else { return Err(corrupt()) };
        // Every record has an expiry: this one was tampered with.
        let left = u64::try_from(left).map_err(|_| corrupt())?;
        Ok(Some(Loaded {
            record: Record::from_bytes(&record)?,
            revision: Revision::new(revision),
            expires_in: Duration::from_millis(left),
            touched,
        }))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let mut replace = script::REPLACE.key(self.record(key));
        replace.arg(revision.get()).arg(record.to_bytes()).arg(millis(ttl));
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
        let mut delete = script::DELETE_IF.key(self.record(key));
        delete.arg(revision.get());
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

/// Revision, record, milliseconds left, and whether they began anew.
type Found = (Option<u64>, Option<Vec<u8>>, i64, bool);

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
