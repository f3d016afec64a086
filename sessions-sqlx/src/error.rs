//! What a database says, in the words of a store.

use std::{io, time::Duration};

use sessions::store::StoreError;
use sqlx::Error;
use tokio::time::sleep;

use crate::dialect::Dialect;

/// How often an operation is tried that the database says it has not done.
const MAX_TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(5);

/// What can be the matter, by the code of a database's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No room.
    Full,
    /// No writes.
    ReadOnly,
    /// It took too long and was not done.
    Slow,
    /// Somebody else was in the way, and it was not done.
    Busy,
    /// The tables are not there.
    NoTable,
    /// The connection is gone, and whether it was done is unknown.
    Broken,
    /// Anything else.
    Other,
}

/// Counts the tries of one operation.
#[derive(Debug)]
pub(crate) struct Tries {
    /// How often it was not done.
    failed: u32,
    /// How many broken connections may be exchanged for another one.
    spare: u32,
}

impl Tries {
    /// For what must not be done twice.
    pub(crate) fn of_write() -> Self {
        Self { failed: 0, spare: 0 }
    }

    /// For what may be: all connections of the pool may have been broken by one restart.
    pub(crate) fn of_read(connections: u32) -> Self {
        Self { failed: 0, spare: connections }
    }

    /// Returns when the operation may be tried again.
    ///
    /// # Errors
    ///
    /// What the error means, when it does not pass by itself.
    pub(crate) async fn after<DB: Dialect>(&mut self, err: Error) -> Result<(), StoreError> {
        match trouble::<DB>(&err) {
            Trouble::Broken if self.spare > 0 => {
                self.spare -= 1;
                Ok(())
            }
            Trouble::Busy if self.failed + 1 < MAX_TRIES => {
                self.failed += 1;
                sleep(PAUSE * self.failed).await;
                Ok(())
            }
            _ => Err(store_error::<DB>(err)),
        }
    }
}

pub(crate) fn store_error<DB: Dialect>(err: Error) -> StoreError {
    match trouble::<DB>(&err) {
        Trouble::Full => StoreError::Full,
        Trouble::ReadOnly => StoreError::read_only(err),
        Trouble::Slow => StoreError::Timeout,
        Trouble::NoTable => StoreError::unavailable(NotMigrated(err)),
        Trouble::Busy | Trouble::Broken | Trouble::Other => match err {
            Error::PoolTimedOut => StoreError::Timeout,
            Error::Io(err) if err.kind() == io::ErrorKind::TimedOut => StoreError::Timeout,
            Error::ColumnDecode { .. } | Error::Decode(_) => corrupt(),
            err => StoreError::unavailable(err),
        },
    }
}

pub(crate) fn trouble<DB: Dialect>(err: &Error) -> Trouble {
    match err {
        Error::Database(err) => DB::trouble(err.as_ref()),
        Error::Io(_) => Trouble::Broken,
        _ => Trouble::Other,
    }
}

/// The row is not what this store wrote.
pub(crate) fn corrupt() -> StoreError {
    StoreError::Corrupt { problem: "it is not what this store wrote" }
}

/// The tables are missing.
#[derive(Debug, thiserror::Error)]
#[error("the tables of the sessions are not there; `SqlxStore::migrate` makes them")]
struct NotMigrated(#[source] Error);
