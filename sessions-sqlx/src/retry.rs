//! Repeating an operation that failed.

use std::time::Duration;

use sessions::store::StoreError;
use sqlx::Error;
use tokio::time::sleep;

use crate::{
    dialect::{
        Dialect,
        driver::{ErrorClass, classify},
    },
    error::store_error,
};

/// How often an operation is attempted that the database reports as not executed: of the writers of one
/// row that a pool may have, one gets through with each attempt.
const MAX_ATTEMPTS: u32 = 10;
/// The pause after the first attempt. Each later one is longer by as much.
const BACKOFF: Duration = Duration::from_millis(5);

/// The attempts that one operation has left.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    /// The attempts that were not executed.
    failed: u32,
    /// How many broken connections may still be replaced.
    spare_connections: u32,
}

impl RetryBudget {
    /// The budget of a write, which must not be repeated if it may have been executed.
    pub(crate) fn for_write() -> Self {
        Self { failed: 0, spare_connections: 0 }
    }

    /// The budget of a read, which may be repeated: one restart of the server may have broken all
    /// `connections` of the pool.
    pub(crate) fn for_read(connections: u32) -> Self {
        Self { failed: 0, spare_connections: connections }
    }

    /// Returns when the operation may be attempted again.
    ///
    /// # Errors
    ///
    /// The store's error, when another attempt would not help or the budget is spent.
    pub(crate) async fn after<DB: Dialect>(&mut self, err: Error) -> Result<(), StoreError> {
        match classify::<DB>(&err) {
            ErrorClass::Broken if self.spare_connections > 0 => {
                self.spare_connections -= 1;
                Ok(())
            }
            ErrorClass::Busy if self.failed + 1 < MAX_ATTEMPTS => {
                self.failed += 1;
                sleep(BACKOFF * self.failed).await;
                Ok(())
            }
            _ => Err(store_error::<DB>(err)),
        }
    }
}
