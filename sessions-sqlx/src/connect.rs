//! A pool of PostgreSQL with settings that fit sessions.

use std::{io, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Error, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::store::SqlxStore;

/// For the first connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Together below the deadline that a call has, so that the pool and the server give it up first: a
/// write whose request was told that it failed is then not done.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(200);
const STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "250ms");

impl SqlxStore<Postgres> {
    /// Connects to a server, `postgres://[user[:password]@]host[:port]/database`, with a pool of its
    /// own: of ten connections, whose loan may take 200 ms and whose statements 250 ms, together less
    /// than the deadline of a call. The tables are made by [`migrate`](Self::migrate).
    ///
    /// Behind `PgBouncer`, or to start while the server is down, hand a pool of yours to
    /// [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is none, [`io::ErrorKind::NotConnected`] when the
    /// server does not let us in within two seconds.
    pub async fn connect(url: &str) -> io::Result<Self> {
        let options: PgConnectOptions =
            url.parse().map_err(|err: Error| io::Error::new(io::ErrorKind::InvalidInput, err))?;
        let options = options.options([STATEMENT_TIMEOUT]);
        // A pool would go on trying, and in the end not say what was the matter.
        let first = async { options.connect().await?.close().await };
        match timeout(CONNECT_TIMEOUT, first).await {
            Ok(Ok(())) => {}
            Ok(Err(err)) => return Err(io::Error::new(io::ErrorKind::NotConnected, err)),
            Err(err) => return Err(io::Error::new(io::ErrorKind::NotConnected, err)),
        }
        // The store finds out by itself, without a round trip where it only reads.
        let pool = PgPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false);
        Ok(Self::new(pool.connect_lazy_with(options)))
    }
}
