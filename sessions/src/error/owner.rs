//! Why the sessions of an owner could not be listed or ended.

use super::StoreError;

/// Why an owner's sessions could not be listed or ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The store keeps no index of owners. The client gets 500.
    #[error("the session store does not find sessions by their owner")]
    Unsupported,
    /// The session has no owner: `set_owner` was not called. The client gets 500.
    #[error("the session has no owner; call `set_owner` when a user logs in")]
    NoOwner,
    /// Another request has ended this owner's sessions at the same time, the current one included. The
    /// client gets 409.
    #[error(
        "another request has ended the sessions of this owner, this one included; log in again"
    )]
    Ended,
    /// The store failed. Some of the sessions may have ended: try again. The client gets 503 with
    /// `Retry-After` if the store is in trouble.
    #[error("the sessions of an owner could not be listed or ended")]
    Store(#[source] StoreError),
    /// The store did not answer in time while sessions were ended: some may have ended, and others not.
    /// The client gets 503.
    #[error(
        "the session store did not answer within its deadline, so some sessions of an owner may have ended and others not; end them again"
    )]
    Unfinished,
}

impl From<StoreError> for OwnerError {
    fn from(err: StoreError) -> Self {
        match err {
            StoreError::Timeout => Self::Unfinished,
            err => Self::Store(err),
        }
    }
}
