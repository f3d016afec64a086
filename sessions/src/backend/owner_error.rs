//! Why the sessions of an owner could not be listed or ended.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};

use crate::store::StoreError;

/// Why an owner's sessions could not be listed or ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The store keeps no index of owners.
    #[error("the session store does not find sessions by their owner")]
    Unsupported,
    /// The session has no owner: `set_owner` was not called.
    #[error("the session has no owner; call `set_owner` when a user logs in")]
    NoOwner,
    /// Another request has ended this owner's sessions at the same time, the current one included.
    #[error(
        "another request has ended the sessions of this owner, this one included; log in again"
    )]
    Ended,
    /// The store failed. Some of the sessions may have ended: try again.
    #[error("the sessions of an owner could not be listed or ended")]
    Store(#[from] StoreError),
}

impl ResponseError for OwnerError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Ended => StatusCode::CONFLICT,
            Self::Unsupported | Self::NoOwner => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
