//! Database errors as errors of a store.

use std::{error::Error as StdError, io, sync::Arc};

use sessions::store::StoreError;
use sqlx::{Error, Pool};

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
            err @ Error::PoolTimedOut => no_connection::<DB>(err),
            Error::Io(err) if err.kind() == io::ErrorKind::TimedOut => StoreError::Timeout,
            Error::ColumnDecode { .. } | Error::Decode(_) => corrupt(),
            err => match advice::<DB>(&err) {
                Some(advice) => StoreError::unavailable(Advised { advice, source: err }),
                None => StoreError::unavailable(err),
            },
        },
    }
}

/// Returns the error of a call for which there was no connection.
pub(crate) fn no_connection<DB: Dialect>(err: Error) -> StoreError {
    match advice::<DB>(&err) {
        Some(advice) => StoreError::no_connection(Advised { advice, source: err }),
        None => StoreError::no_connection(err),
    }
}

/// Returns what to do about an error of the database or the pool.
pub(crate) fn advice<DB: Dialect>(err: &Error) -> Option<&'static str> {
    match err {
        Error::PoolTimedOut => Some(
            "each of the pool's connections is in use, or is still being made; if the database is \
             not slow, give the pool more connections (`max_connections`)",
        ),
        err => err.as_database_error().and_then(DB::advice),
    }
}

/// Adds which server or file failed, to an error of the connection.
pub(crate) fn located<DB: Dialect>(pool: &Pool<DB>, err: StoreError) -> StoreError {
    let at = |source| Arc::new(At { place: DB::place(&pool.connect_options()), source });
    match err {
        StoreError::Unavailable { source } if !source.is::<NotMigrated>() => {
            StoreError::Unavailable { source: at(source) }
        }
        StoreError::NoConnection { source } => StoreError::NoConnection { source: at(source) },
        StoreError::ReadOnly { source } => StoreError::ReadOnly { source: at(source) },
        err => err,
    }
}

/// An error, and the database it is of.
#[derive(Debug, thiserror::Error)]
#[error("{place}")]
struct At {
    place: String,
    source: Arc<dyn StdError + Send + Sync>,
}

/// Returns the error for a row that no store wrote.
fn corrupt() -> StoreError {
    StoreError::Corrupt { problem: "the row has another format; give the store a table of its own" }
}

/// Names what a record exceeds, after the error of its write.
pub(crate) fn longer_than_a_statement(length: usize, limit: u64, err: StoreError) -> StoreError {
    match err {
        StoreError::Unavailable { source } => {
            StoreError::unavailable(LongerThanStatement { length, limit, source })
        }
        err => err,
    }
}

/// What is wrong and what to do about it, and the database's own words.
#[derive(Debug, thiserror::Error)]
#[error("{advice}")]
struct Advised {
    advice: &'static str,
    source: Error,
}

/// The tables do not exist.
#[derive(Debug, thiserror::Error)]
#[error("the tables of the sessions are not there; `SqlxStore::migrate` makes them")]
struct NotMigrated(#[source] Error);

/// The server takes no statement as long as the record.
#[derive(Debug, thiserror::Error)]
#[error(
    "the record has {length} bytes, and `max_allowed_packet` of the server is {limit}; raise that, or lower \
     the limit of `SqlxStore::with_max_record`"
)]
struct LongerThanStatement {
    length: usize,
    limit: u64,
    source: Arc<dyn StdError + Send + Sync>,
}
