//! The reason of a null session.

use std::{borrow::Cow, fmt};

use super::{Fails, Failure, OpenError};

/// The reason why a request has no session, and what to do about it.
///
/// A null session reads as empty. Every write to it is
/// [`SessionError::Null`](crate::SessionError::Null) with this reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NullSession {
    reason: Cow<'static, str>,
    /// The failure that is the reason, whose line is in the log.
    caused_by: Option<Failure>,
}

impl NullSession {
    /// Makes a null session with a reason for the developer: in lower case, first what is missing,
    /// then what to set.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), caused_by: None }
    }

    /// The reason without a secret key, as in Flask.
    pub(crate) fn no_secret_key() -> Self {
        Self::new(
            "no secret key is set; set `secret_key` in the `SessionConfig`, or `SECRET_KEY` if it is read from the environment",
        )
    }

    /// The reason with the policy `on_load_error = "null"`. A write is answered as the opening would
    /// have been.
    pub(crate) fn load_failed(err: &OpenError) -> Self {
        let null = Self::new(
            "it could not be loaded, and `on_load_error` is \"null\"; the log has the failure",
        );
        Self { caused_by: Some(err.failure()), ..null }
    }

    /// The reason of a session that was refused after it was opened.
    pub(crate) fn refused() -> Self {
        Self::new("another session of this request is kept in the same cookie; the log names both")
    }

    /// Returns what a write to it fails with, if that is another failure than a missing session.
    pub(super) fn caused_by(&self) -> Option<Failure> {
        self.caused_by
    }

    /// Returns the reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for NullSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
