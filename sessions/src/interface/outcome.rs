//! The results of opening and saving.

use std::fmt;

use super::{LegacyCookieEffects, SessionContent};
use crate::error::NullSession;

/// The result of opening a session.
#[derive(Debug)]
pub enum Opened<C> {
    /// The session of the request: one that a former request left, or a new one.
    Session(C),
    /// There is no session. Reads find nothing, and every write is an error with this reason.
    Null(NullSession),
}

impl<C> Opened<C> {
    /// Changes the session, if there is one.
    pub fn map<D>(self, change: impl FnOnce(C) -> D) -> Opened<D> {
        match self {
            Self::Session(content) => Opened::Session(change(content)),
            Self::Null(null) => Opened::Null(null),
        }
    }
}

impl<C: SessionContent> From<C> for Opened<C> {
    fn from(content: C) -> Self {
        Self::Session(content)
    }
}

/// The result of saving a session. The middleware writes the headers from it.
#[must_use = "the cookie is set or removed by the response that gets this"]
#[derive(Clone, PartialEq, Eq)]
pub struct Saved {
    pub(crate) cookie: CookieChange,
    /// As JSON, where that is not what the session holds.
    pub(crate) stored: Option<String>,
    pub(crate) legacy_cookie: LegacyCookieEffects,
}

/// What the response does to the session's cookie.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum CookieChange {
    Set {
        token: String,
    },
    Remove,
    /// As [`Remove`](Self::Remove), and the client is told that the session was ended elsewhere.
    RemoveEnded,
    Keep,
}

impl Saved {
    /// The session is saved, and its cookie is to hold this token: characters that a cookie may
    /// hold (RFC 6265bis, 4.1.1: no white space, quotes, comma, semicolon or backslash).
    pub fn token(token: impl Into<String>) -> Self {
        Self::with(CookieChange::Set { token: token.into() })
    }

    /// The session is deleted; its cookie is to be removed.
    pub fn removed() -> Self {
        Self::with(CookieChange::Remove)
    }

    /// The cookie is to be left as it is.
    pub fn unchanged() -> Self {
        Self::with(CookieChange::Keep)
    }

    pub(crate) fn with(cookie: CookieChange) -> Self {
        Self { cookie, stored: None, legacy_cookie: LegacyCookieEffects::default() }
    }

    /// Tells what is stored, as JSON, where that is not what the session holds: another request
    /// saved in the meantime, and its changes are in it too. `save_now` returns it to the handler.
    pub fn with_stored(self, json: impl Into<String>) -> Self {
        Self { stored: Some(json.into()), ..self }
    }

    #[cfg(feature = "import-actix-session")]
    pub(crate) fn with_legacy_cookie(self, legacy_cookie: LegacyCookieEffects) -> Self {
        Self { legacy_cookie, ..self }
    }

    /// Returns the token that the cookie is to hold, if it is to be set.
    pub fn new_token(&self) -> Option<&str> {
        match &self.cookie {
            CookieChange::Set { token } => Some(token),
            _ => None,
        }
    }
}

impl fmt::Debug for Saved {
    /// Shows no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.cookie {
            CookieChange::Set { .. } => "Saved(token)",
            CookieChange::Remove | CookieChange::RemoveEnded => "Saved(removed)",
            CookieChange::Keep => "Saved(unchanged)",
        })
    }
}
