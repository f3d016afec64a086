//! Database errors as errors of a store.

use std::io;

use sessions::store::StoreError;
use sqlx::Error;

use crate::dialect::{
    Dialect,
    driver::{ErrorClass, classify},
};

pub(crate) fn store_error<DB: Dialect>(err: Error) -> StoreError {
    match classify::<DB>(&err) {
        ErrorClass::Full => StoreError::Full,
        ErrorClass::ReadOnly => StoreError::read_only(err),
        ErrorClass::Slow => StoreError::Timeout,
        ErrorClass::NoTable => StoreError::unavailable(NotMigrated(err)),
        ErrorClass::Busy | ErrorClass::Broken | ErrorClass::Other => match err {
            Error::PoolTimedOut => StoreError::Timeout,
            Error::Io(err) if err.kind() == io::ErrorKind::TimedOut => StoreError::Timeout,
            Error::ColumnDecode { .. } | Error::Decode(_) => corrupt(),
            err => StoreError::unavailable(err),
        },
    }
}

/// Returns the error for a row that no store wrote.
fn corrupt() -> StoreError {
    StoreError::Corrupt { problem: "the row has another format; give the store a table of its own" }
}

/// The tables do not exist.
#[derive(Debug, thiserror::Error)]
#[error("the tables of the sessions are not there; `SqlxStore::migrate` makes them")]
struct NotMigrated(#[source] Error);
