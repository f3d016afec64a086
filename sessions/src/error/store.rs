//! Errors of a store.

use std::{error::Error as StdError, fmt, sync::Arc};

use super::text::{Escaped, chain};

/// Why a call of a store failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or the connection broke. A write may have been done.
    #[error("the session store is unavailable")]
    Unavailable {
        /// The error of its client.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The store did not answer in time. A write may have been done.
    #[error("the session store did not answer within its deadline")]
    Timeout,
    /// No connection to the store came free in time. Nothing was written.
    #[error("no connection to the session store came free in time")]
    NoConnection {
        /// The error of its client.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// There is no room for another record, or for a longer one. Nothing was written.
    #[error("the session store is full")]
    Full,
    /// The store takes no writes, for example because it is a replica. Nothing was written.
    #[error("the session store takes no writes")]
    ReadOnly {
        /// The error of its client.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// What is kept under the key is not a record.
    #[error("a record in the session store cannot be read: {problem}")]
    Corrupt {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A newer version of this library wrote the record, as in the middle of a rolling upgrade.
    #[error("{}", newer_format(*.format))]
    NewerFormat {
        /// The format of the record.
        format: u32,
    },
    /// The record is longer than the store allows. Nothing was written.
    #[error("the record has {length} bytes, but the session store takes at most {limit}")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// The most the store takes, in bytes.
        limit: usize,
    },
}

/// The message of an error about a record of a newer version.
pub(super) fn newer_format(format: u32) -> String {
    format!(
        "a newer version of this library wrote this session's record, in format {format}, which this \
         version cannot read; finish the upgrade"
    )
}

impl StoreError {
    /// Wraps the error of a client whose server cannot be reached.
    pub fn unavailable(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Arc::new(source) }
    }

    /// Wraps the error of a client whose server takes no writes.
    pub fn read_only(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::ReadOnly { source: Arc::new(source) }
    }

    /// Wraps the error of a client that waited in vain for a connection, for example of a full pool.
    pub fn no_connection(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::NoConnection { source: Arc::new(source) }
    }

    /// Returns the message with those of all causes, in one line, for a log.
    pub fn with_causes(&self) -> impl fmt::Display {
        Escaped(chain(self))
    }

    /// Whether the store itself failed, rather than this one call.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::NoConnection { .. } | Self::Timeout)
    }

    /// Whether the store works, and takes no writes like this one.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Full | Self::ReadOnly { .. })
    }
}

/// Why a store does not serve sessions now: its message is one line that names the server, the failure
/// and the cause, and no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the session store is not ready: {reason}")]
pub struct NotReady {
    reason: String,
}

impl NotReady {
    /// Returns an error with this reason, such as `"redis.internal:6379 evicts sessions"`.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self { reason: Escaped(reason.to_string()).to_string() }
    }
}

impl From<StoreError> for NotReady {
    fn from(err: StoreError) -> Self {
        Self { reason: err.with_causes().to_string() }
    }
}
