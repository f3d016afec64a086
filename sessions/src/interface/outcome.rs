//! The results of opening and saving.

use std::{fmt, time::SystemTime};

use super::{LegacyCookieEffects, SessionContent, Token};
use crate::error::NullSession;

/// The result of opening a session.
#[derive(Debug)]
pub enum Opened<C> {
    /// The session of the request, from its cookie or new.
    Session(C),
    /// There can be no session. Reads find nothing, and every write is an error with this reason.
    Null(NullSession),
}

impl<C> Opened<C> {
    /// Applies `change` to the session, if there is one.
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

/// The result of saving a session, from which the middleware writes the headers.
#[must_use = "without it the response neither sets nor removes the cookie"]
#[derive(Clone, PartialEq, Eq)]
pub struct Saved {
    pub(crate) cookie: CookieChange,
    /// The stored JSON, if it differs from the session.
    pub(crate) stored: Option<String>,
    pub(crate) legacy_cookie: Option<Box<LegacyCookieEffects>>,
    /// The token of an empty session, to which the cookie is set instead of being removed. This crate wrote it.
    pub(crate) ending: Option<Box<str>>,
    /// When the session ends, however much it is used.
    pub(crate) ends_at: Option<SystemTime>,
}

/// What the response does to the session's cookie.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum CookieChange {
    Set {
        token: Token,
    },
    /// The client gets this token in the body of the response.
    HandOut {
        token: String,
    },
    /// The client has this token: its cookie is set again only where that changes its expiry.
    Hold {
        token: Token,
    },
    Remove,
    /// Like [`Remove`](Self::Remove), and the client learns that the session was ended elsewhere.
    RemoveEnded,
    Keep,
}

impl Saved {
    /// The session is saved, and the response sets its cookie to this token.
    ///
    /// A token has only characters that a cookie may contain: no white space, quotes, comma,
    /// semicolon or backslash (RFC 6265bis, 4.1.1).
    pub fn token(token: impl Into<String>) -> Self {
        Self::with(CookieChange::Set { token: Token::new(token.into()) })
    }

    /// The session is saved, and the response sets its cookie to this token, which this crate wrote in base64url and
    /// dots.
    pub(crate) fn encoded_token(token: String) -> Self {
        Self::with(CookieChange::Set { token: Token::encoded(token) })
    }

    /// The session is saved, and this token is for a client without cookies: where the context's transport is
    /// [`Bearer`](super::Transport::Bearer). The client gets it if the handler hands it out; otherwise it keeps
    /// the one that it has.
    ///
    /// A token has only the characters of the header: letters, digits and `-._~+/`, with `=` at the end (RFC
    /// 6750, 2.1).
    pub fn bearer_token(token: impl Into<String>) -> Self {
        Self::with(CookieChange::HandOut { token: token.into() })
    }

    /// The session is saved under the token that the client has.
    pub(crate) fn held(token: String) -> Self {
        Self::with(CookieChange::Hold { token: Token::encoded(token) })
    }

    /// The session is deleted, and the response removes its cookie.
    pub fn removed() -> Self {
        Self::with(CookieChange::Remove)
    }

    /// The session is deleted, and the response sets its cookie to this token of an empty session,
    /// which hides older cookies that a removal would leave in the browser.
    pub(crate) fn ended_by(token: String) -> Self {
        Self { ending: Some(token.into()), ..Self::removed() }
    }

    /// The response does not touch the cookie.
    pub fn unchanged() -> Self {
        Self::with(CookieChange::Keep)
    }

    pub(crate) fn with(cookie: CookieChange) -> Self {
        Self { cookie, stored: None, legacy_cookie: None, ending: None, ends_at: None }
    }

    /// Adds the stored JSON, if it differs from the session: another request saved first, and its
    /// changes are stored too. `save_now` returns it to the handler.
    pub fn with_stored(self, json: impl Into<String>) -> Self {
        Self { stored: Some(json.into()), ..self }
    }

    /// Adds when the session ends, however much it is used: browsers keep its cookie no longer. `None`
    /// sets no such time. The policy `lifetime` limits a cookie in any case.
    pub fn ending_at(self, time: Option<SystemTime>) -> Self {
        Self { ends_at: time, ..self }
    }

    /// Adds what the response does about a legacy cookie, to what it does about others.
    #[cfg(feature = "import-actix-session")]
    pub(crate) fn with_legacy_cookie(mut self, effects: LegacyCookieEffects) -> Self {
        self.legacy_cookie.get_or_insert_default().add(effects);
        self
    }

    /// Whether the session was ended elsewhere, so that the request's changes are lost: what
    /// [`SaveError::Gone`](crate::error::SaveError::Gone) says, with cookies to remove. A backend around
    /// an [import](crate::import) gets this answer; the middleware makes the same response of both.
    pub fn has_ended(&self) -> bool {
        self.cookie == CookieChange::RemoveEnded
    }

    /// Returns the token of the saved session, if the response sets its cookie.
    pub fn new_token(&self) -> Option<&str> {
        match &self.cookie {
            CookieChange::Set { token } => Some(token.as_str()),
            _ => None,
        }
    }
}

impl fmt::Debug for Saved {
    /// Shows no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.cookie {
            CookieChange::Set { .. } | CookieChange::HandOut { .. } => "Saved(token)",
            CookieChange::Remove | CookieChange::RemoveEnded => "Saved(removed)",
            CookieChange::Hold { .. } | CookieChange::Keep => "Saved(unchanged)",
        })
    }
}
