//! A connection that was lent, and how the pool gets it back.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{SqlSafeStr, pool::PoolConnection};
use tokio::{runtime::Handle, time::timeout};

use crate::dialect::Dialect;

/// How long a connection may take to answer a ping, and an abandoned operation before it.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection of the pool.
///
/// sqlx pings a connection before it lends it again, and waits for as long as the operating system does
/// when the server has disappeared without closing it. The loan closes a connection that stays silent, so
/// that no place of the pool is lost.
pub(crate) struct Loan<DB: Dialect> {
    connection: PoolConnection<DB>,
    counted: Counted,
}

impl<DB: Dialect> Loan<DB> {
    pub(crate) fn new(connection: PoolConnection<DB>, counter: &Arc<AtomicUsize>) -> Self {
        Self { connection, counted: Counted::new(counter) }
    }

    /// Closes the connection.
    pub(crate) fn close(mut self) {
        self.connection.close_on_drop();
    }

    /// Gives the connection back once it answers, without the transaction that may be open.
    pub(crate) fn give_back(self, is_open: bool) {
        // A file always answers.
        if !DB::IS_REMOTE {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let Self { mut connection, counted } = self;
        runtime.spawn(async move {
            let given_back = async {
                if is_open && DB::execute(&mut connection, "ROLLBACK".into_sql_str()).await.is_err()
                {
                    connection.close_on_drop();
                    return;
                }
                // Pings it. Dropped half-way, it gives the connection's place back without it.
                connection.return_to_pool().await;
            };
            if timeout(PING_TIMEOUT, given_back).await.is_err() {
                connection.close_on_drop();
            }
            drop(counted);
        });
    }
}

impl<DB: Dialect> Deref for Loan<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Dialect> DerefMut for Loan<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

/// Counts as one for as long as it lives.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }

    /// Returns how many there are, this one included.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
