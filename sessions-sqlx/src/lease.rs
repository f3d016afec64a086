//! A connection of the pool, for one operation.

use std::time::Duration;

use sqlx::{Connection, Error, Pool, pool::PoolConnection};
use tokio::{runtime::Handle, time::timeout};

use crate::dialect::Dialect;

/// How long the answer to an operation that was given up is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gives its connection back to the pool, also when the operation is dropped half-way.
///
/// The server answers a dropped operation all the same, and the pool waits for that before it lends
/// the connection again. For a server that is gone without a word it would wait for as long as the
/// operating system does, and in the end be without connections: so it gets another one.
pub(crate) struct Lease<DB: Dialect> {
    connection: Option<PoolConnection<DB>>,
    is_answered: bool,
}

impl<DB: Dialect> Lease<DB> {
    /// Takes a connection for what may be done twice.
    pub(crate) async fn to_read(pool: &Pool<DB>) -> Result<Self, Error> {
        let connection = pool.acquire().await?;
        Ok(Self { connection: Some(connection), is_answered: false })
    }

    /// Takes a connection that is alive, for what must not be done twice.
    pub(crate) async fn to_write(pool: &Pool<DB>) -> Result<Self, Error> {
        let options = pool.options();
        if !DB::IS_REMOTE || options.get_test_before_acquire() {
            return Self::to_read(pool).await;
        }
        // All may have been broken by one restart.
        for _ in 0..options.get_max_connections() {
            let mut lease = Self::to_read(pool).await?;
            if lease.connection().ping().await.is_ok() {
                return Ok(lease);
            }
            lease.answered();
        }
        Self::to_read(pool).await
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        self.connection.as_mut().expect("it is taken when the lease ends")
    }

    /// Says that the operation came to its end.
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
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if !matches!(timeout(PATIENCE, connection.ping()).await, Ok(Ok(()))) {
                connection.close_on_drop();
            }
        });
    }
}

/// Runs an operation on a connection, and again where the database says that it was not done, or
/// where it may be done twice and the connection is broken. One that writes waits for its turn as
/// well, where one writes at a time.
macro_rules! run {
    ($store:expr, write, $connection:ident => $operation:expr) => {
        $crate::lease::run!(@ $store, $crate::error::Tries::of_write(), to_write, $store.turns.take(), $connection => $operation)
    };
    ($store:expr, read, $connection:ident => $operation:expr) => {{
        let tries = $crate::error::Tries::of_read($store.pool.options().get_max_connections());
        $crate::lease::run!(@ $store, tries, to_read, $crate::turns::none_needed(), $connection => $operation)
    }};
    (@ $store:expr, $tries:expr, $take:ident, $turn:expr, $connection:ident => $operation:expr) => {{
        let mut tries = $tries;
        loop {
            let result = match $crate::lease::Lease::$take(&$store.pool).await {
                Ok(mut lease) => {
                    let $connection = lease.connection();
                    let turn = $turn.await;
                    let result = $operation.await;
                    drop(turn);
                    lease.answered();
                    result
                }
                Err(err) => Err(err),
            };
            match result {
                Ok(done) => break Ok(done),
                Err(err) => {
                    if let Err(err) = tries.after::<DB>(err).await {
                        break Err(err);
                    }
                }
            }
        }
    }};
}

pub(crate) use run;
