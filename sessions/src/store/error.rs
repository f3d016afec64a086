//! What can be the matter with a store.

use std::{error::Error as StdError, sync::Arc};

/// Why a store did not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or the connection broke: whether a write was done is unknown.
    #[error("the session store is unavailable")]
    Unavailable {
        /// What its client said.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The store did not answer in time: whether a write was done is unknown.
    #[error("the session store did not answer within its deadline")]
    Timeout,
    /// There is no room for another record, or for a longer one. Nothing was written.
    #[error("the session store is full")]
    Full,
    /// The store takes no writes: a replica, or one that protects itself. Nothing was written.
    #[error("the session store takes no writes")]
    ReadOnly {
        /// What its client said.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// What is kept under the key is no record, or one of a newer version of this library.
    #[error("what the session store holds is not a record of a session: {problem}")]
    Corrupt {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The record is longer than the store allows. Nothing was written.
    #[error("the record has {length} bytes, the session store takes {limit}")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// The most the store takes, in bytes.
        limit: usize,
    },
}

impl StoreError {
    /// Wraps what a client says when its server cannot be reached.
    pub fn unavailable(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Arc::new(source) }
    }

    /// Wraps what a client says when its server takes no writes.
    pub fn read_only(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::ReadOnly { source: Arc::new(source) }
    }

    /// Whether the store itself is in trouble, rather than this one record.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Timeout)
    }
}
