//! A connection of the pool, for one operation.

use std::time::Duration;

use sqlx::{Connection, Error, Pool, pool::PoolConnection};
use tokio::{runtime::Handle, time::timeout};

use crate::dialect::Dialect;

/// How long a connection may take to answer a ping, and the abandoned operation before it.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that goes back to the pool at the end of an operation, even one that is dropped
/// half-way.
///
/// The server still answers a dropped operation, and the pool waits for that answer before it lends
/// the connection again. If the server has disappeared without closing the connection, the pool waits
/// for the time-out of the operating system, and may run out of connections: the lease therefore
/// closes a connection that stays silent, and at once one that cannot [go on](DB::RESUMES).
pub(crate) struct Lease<DB: Dialect> {
    connection: Option<PoolConnection<DB>>,
    is_answered: bool,
}

impl<DB: Dialect> Lease<DB> {
    /// Takes a connection for an operation that may be repeated.
    pub(crate) async fn for_read(pool: &Pool<DB>) -> Result<Self, Error> {
        let connection = pool.acquire().await?;
        Ok(Self { connection: Some(connection), is_answered: false })
    }

    /// Takes a live connection, for an operation that must not be repeated.
    pub(crate) async fn for_write(pool: &Pool<DB>) -> Result<Self, Error> {
        let options = pool.options();
        if !DB::IS_REMOTE || options.get_test_before_acquire() {
            return Self::for_read(pool).await;
        }
        // One restart of the server may have broken them all.
        for _ in 0..options.get_max_connections() {
            let mut lease = Self::for_read(pool).await?;
            if lease.connection().ping().await.is_ok() {
                return Ok(lease);
            }
            lease.answered();
        }
        Self::for_read(pool).await
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        self.connection.as_mut().expect("only `drop` takes the connection")
    }

    /// Returns the connection to the pool after the operation's answer.
    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl<DB: Dialect> Drop for Lease<DB> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if self.is_answered || !DB::IS_REMOTE {
            return;
        }
        if !DB::RESUMES {
            connection.close_on_drop();
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if !matches!(timeout(PING_TIMEOUT, connection.ping()).await, Ok(Ok(()))) {
                connection.close_on_drop();
            }
        });
    }
}

/// Runs an operation on a connection, and repeats it if the database reports it as not executed, or
/// if it is a read whose connection broke. A write holds the writer lock.
macro_rules! run {
    ($store:expr, write, $connection:ident => $operation:expr) => {
        $crate::lease::run!(@ $store, $crate::retry::RetryBudget::for_write(), for_write, $store.writer_lock.acquire(), $connection => $operation)
    };
    ($store:expr, read, $connection:ident => $operation:expr) => {{
        let budget = $crate::retry::RetryBudget::for_read($store.pool.options().get_max_connections());
        $crate::lease::run!(@ $store, budget, for_read, $crate::writer_lock::no_lock(), $connection => $operation)
    }};
    (@ $store:expr, $budget:expr, $lease:ident, $lock:expr, $connection:ident => $operation:expr) => {{
        let mut budget = $budget;
        loop {
            let result = match $crate::lease::Lease::$lease(&$store.pool).await {
                Ok(mut lease) => {
                    let $connection = lease.connection();
                    let permit = $lock.await;
                    let result = $operation.await;
                    drop(permit);
                    lease.answered();
                    result
                }
                Err(err) => Err(err),
            };
            match result {
                Ok(done) => break Ok(done),
                Err(err) => {
                    if let Err(err) = budget.after::<DB>(err).await {
                        break Err($crate::error::located(&$store.pool, err));
                    }
                }
            }
        }
    }};
}

pub(crate) use run;
