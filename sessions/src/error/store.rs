//! Errors of a store.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

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

    /// Returns what measurements call it.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Timeout => "timeout",
            Self::NoConnection { .. } => "no_connection",
            Self::Full => "full",
            Self::ReadOnly { .. } => "read_only",
            Self::Corrupt { .. } => "corrupt",
            Self::NewerFormat { .. } => "newer_format",
            Self::TooLarge { .. } => "too_large",
        }
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

/// Why a store does not serve sessions now: its message is one line that names the server, the failure,
/// the cause and what to do, and no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the session store is not ready: {reason}{}", if *.is_refusing { REFUSING } else { "" })]
pub struct NotReady {
    reason: String,
    is_refusing: bool,
}

const REFUSING: &str = "; its last calls failed too, and requests that need it are refused at once, but for \
                        one in a second";

impl NotReady {
    /// Returns an error with this reason, such as "Redis at redis.internal:6379 evicts sessions; set
    /// `maxmemory-policy noeviction`".
    pub fn new(reason: impl fmt::Display) -> Self {
        Self { reason: Escaped(reason.to_string()).to_string(), is_refusing: false }
    }

    /// The server gave no answer in this time.
    pub(crate) fn silent(server: Option<&str>, time: Duration) -> Self {
        let server = server.unwrap_or("its server");
        Self::new(format_args!(
            "{server} did not answer within {} ms; check that it runs, that it is not overloaded, and that \
             no firewall drops what is sent to it",
            time.as_millis()
        ))
    }

    /// Adds that the backend refuses requests meanwhile.
    pub(crate) fn while_refusing(self) -> Self {
        Self { is_refusing: true, ..self }
    }

    /// Whether it is the same failure, whatever the backend does meanwhile.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.reason == other.reason
    }
}

impl From<StoreError> for NotReady {
    fn from(err: StoreError) -> Self {
        match &err {
            // What the client says of its server, and not that it is a store.
            StoreError::Unavailable { source } | StoreError::ReadOnly { source } => {
                Self::new(chain(source))
            }
            StoreError::NoConnection { source } => Self::new(format_args!(
                "{}; check that the server answers, and that the pool has enough connections",
                chain(source)
            )),
            StoreError::Timeout => Self::new(
                "its server did not answer in time; check that it runs and that it is not overloaded",
            ),
            err => Self::new(chain(err)),
        }
    }
}
