//! What a session is besides its keys: null, new, renewed, purged, somebody's.

use std::{sync::atomic::AtomicBool, time::SystemTime};

use super::Extensions;
use crate::{
    error::{NullSession, SessionError},
    store::Timestamp,
};

/// What a request did to its session as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStatus {
    /// The session is as it was opened.
    #[default]
    Unchanged,
    /// Keys were changed.
    Changed,
    /// The session gets a new token, with changed keys or not.
    Renewed,
    /// The session that was opened is purged. What the state holds is a new one.
    Purged,
}

/// What [`purge`](crate::Session::purge) does to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeOutcome {
    /// The server ends the session when the request is answered: its token opens nothing from then
    /// on, in no copy.
    TokenRevoked,
    /// This client's cookie is removed. A copy of the cookie stays valid until its lifetime ends.
    CookieRemoved,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct SessionMeta {
    /// Why there is no session, in a null session.
    pub(super) null: Option<NullSession>,
    /// A former request left the session. Not set: it is new.
    pub(super) opened: bool,
    pub(super) token: TokenFate,
    /// `set_modified(true)`: to be saved whatever the keys say.
    pub(super) modified: bool,
    /// The policy `permanent`, for a new session.
    pub(super) starts_permanent: bool,
    /// To be saved with this response though nothing changed.
    pub(super) refresh: bool,
    /// This request called `set_owner`.
    pub(super) logs_in: bool,
    /// When the request began, where the backend has logins note it.
    pub(super) began: Option<Timestamp>,
    /// Purging the session revokes every copy of its token.
    pub(super) revocable: bool,
    /// The session was taken over from elsewhere.
    pub(super) adopted: Option<Adopted>,
    pub(super) accessed: AtomicBool,
    pub(super) extensions: Extensions,
}

/// What becomes of the token that the session was opened with.
#[derive(Default)]
pub(super) enum TokenFate {
    #[default]
    Kept,
    Renewed,
    Purged,
}

/// A session that was taken over from elsewhere, and is not saved here yet.
#[derive(Clone, Copy)]
pub(crate) struct Adopted {
    /// When its owner logged in, if that is known.
    pub(crate) since: Option<SystemTime>,
}

impl SessionMeta {
    pub(super) fn opened() -> Self {
        Self { opened: true, ..Self::default() }
    }

    pub(super) fn null(null: NullSession) -> Self {
        Self { null: Some(null), ..Self::default() }
    }

    pub(super) fn check_writable(&self) -> Result<(), SessionError> {
        self.null.as_ref().map_or(Ok(()), |null| Err(SessionError::Null(null.clone())))
    }
}
