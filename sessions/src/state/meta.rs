//! The state of a session besides its keys: null, new, renewed, rotated, purged, logged in.

use std::{sync::atomic::AtomicBool, time::SystemTime};

use super::{CookiesSeen, Extensions, lifetimes::ChosenLifetimes, limits::OwnKeys};
use crate::error::{NullSession, SessionError};

/// What a request did to its session as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStatus {
    /// The session is as it was opened.
    #[default]
    Unchanged,
    /// Keys were changed.
    Changed,
    /// The session gets a new token and a new state of rights, with changed keys or not.
    Renewed,
    /// The session gets another token for the same rights, with changed keys or not.
    Rotated,
    /// The opened session is purged. The state holds a new one.
    Purged,
}

/// How far a [`purge`](crate::Session::purge) reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeOutcome {
    /// The server revokes the token with the response: no copy of it opens a session after that.
    TokenRevoked,
    /// The response removes this client's cookie. A copy of the cookie stays valid for its
    /// lifetime.
    CookieRemoved,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct SessionMeta {
    /// The reason of a null session.
    pub(super) null: Option<NullSession>,
    /// The session was opened from a cookie; otherwise it is new.
    pub(super) opened: bool,
    pub(super) token: TokenFate,
    /// Set by `set_modified`: save the session even if no key changed.
    pub(super) modified: bool,
    /// The policy `permanent`, for a new session.
    pub(super) starts_permanent: bool,
    /// Set by `request_refresh`: save the session even if it is not modified.
    pub(super) refresh: bool,
    /// This request called `set_owner`.
    pub(super) logs_in: bool,
    /// What this request decided of the session's lifetimes.
    pub(super) chosen: ChosenLifetimes,
    /// A purge revokes every copy of the token.
    pub(super) revocable: bool,
    /// Set if this request imported the session.
    pub(super) adopted: Option<Adopted>,
    /// What the request's cookies say, if the session lives in one.
    pub(super) cookies_seen: CookiesSeen,
    /// What the framework may write besides the request, within the same limits.
    pub(super) own_keys: OwnKeys,
    pub(super) accessed: AtomicBool,
    pub(super) extensions: Extensions,
}

/// What happens to the token that the session was opened with.
#[derive(Default)]
pub(super) enum TokenFate {
    #[default]
    Kept,
    Rotated,
    Renewed,
    Purged,
}

/// The login of an imported session that is not saved here yet.
#[derive(Clone, Copy)]
pub(crate) struct Adopted {
    /// When its owner logged in, if that is known.
    pub(crate) since: Option<SystemTime>,
}

impl SessionMeta {
    pub(super) fn null(null: NullSession) -> Self {
        Self { null: Some(null), ..Self::default() }
    }

    pub(super) fn check_writable(&self) -> Result<(), SessionError> {
        self.null.as_ref().map_or(Ok(()), |null| Err(SessionError::Null(null.clone())))
    }
}
