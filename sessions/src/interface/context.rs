//! What opening and saving get to know, and what saving answers.

use std::{
    cell::Cell,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::HeaderMap},
};
use sessions_policy::CookiePolicy;

use super::legacy_cookie::FormerCookie;
use crate::{
    clock::Clock, cookie::CookieValues, error::NullSession, policy::Settings, state::SessionStatus,
};

/// What [`open_session`](crate::SessionInterface::open_session) gets to know.
pub struct OpenContext<'r> {
    pub(crate) request: &'r HttpRequest,
    pub(crate) cookie: &'r CookiePolicy,
    pub(crate) cookies: &'r CookieValues<'r>,
    pub(crate) settings: &'r Settings,
    pub(crate) now: SystemTime,
    pub(crate) clock: &'r Clock,
    pub(crate) null: &'r Cell<Option<NullSession>>,
}

impl<'r> OpenContext<'r> {
    /// Returns the request.
    pub fn request(&self) -> &'r HttpRequest {
        self.request
    }

    /// Returns the policies of the session's cookie for this request.
    pub fn cookie(&self) -> &'r CookiePolicy {
        self.cookie
    }

    /// Returns the values of the request's cookies that have the session's name. Bytes from
    /// outside: anything at all. Where several verify, the newest counts.
    pub fn cookies(&self) -> &'r CookieValues<'r> {
        self.cookies
    }

    /// Returns the resolved settings.
    pub fn settings(&self) -> &'r Settings {
        self.settings
    }

    /// Returns the present time.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Returns `None`, which opens the null session, and remembers why: the error of every write
    /// will say so.
    ///
    /// # Examples
    ///
    /// ```
    /// use sessions::{SessionState, NullSession, OpenContext, OpenError};
    ///
    /// async fn open(cx: OpenContext<'_>) -> Result<Option<SessionState>, OpenError> {
    ///     if cx.request().headers().contains_key("x-no-session") {
    ///         return Ok(cx.no_session(NullSession::new("the client asked for none")));
    ///     }
    ///     Ok(Some(SessionState::new()))
    /// }
    /// ```
    pub fn no_session<C>(&self, null: NullSession) -> Option<C> {
        self.null.set(Some(null));
        None
    }
}

impl fmt::Debug for OpenContext<'_> {
    /// Shows neither the request nor its cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenContext")
            .field("cookie", &self.cookie)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// What [`save_session`](crate::SessionInterface::save_session) gets to know.
pub struct SaveContext<'r> {
    pub(crate) cookie: &'r CookiePolicy,
    pub(crate) settings: &'r Settings,
    pub(crate) now: SystemTime,
    pub(crate) change: SessionStatus,
    pub(crate) status: StatusCode,
    pub(crate) headers: Option<&'r HeaderMap>,
    pub(crate) stored: &'r Cell<Option<String>>,
    #[cfg_attr(
        not(feature = "import-actix-session"),
        expect(dead_code, reason = "an import is what uses it")
    )]
    pub(crate) former: &'r FormerCookie,
}

impl<'r> SaveContext<'r> {
    /// Returns the policies of the session's cookie, as they were when the session was opened.
    pub fn cookie(&self) -> &'r CookiePolicy {
        self.cookie
    }

    /// Returns the resolved settings.
    pub fn settings(&self) -> &'r Settings {
        self.settings
    }

    /// Returns the present time.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Returns what the request did to the session. [`SessionStatus::Unchanged`] when only the token is
    /// to be made anew.
    pub fn change(&self) -> SessionStatus {
        self.change
    }

    /// Returns the status of the response to come.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers of the response to come. `None` when an inner middleware answered with
    /// an error, which becomes a response further out.
    pub fn headers(&self) -> Option<&'r HeaderMap> {
        self.headers
    }

    /// Tells what is stored, as JSON, where that is not what the dictionary holds: another request
    /// saved in the meantime, and its changes are in it too. `save_now` returns it to the handler.
    pub fn set_stored(&self, json: String) {
        self.stored.set(Some(json));
    }
}

impl fmt::Debug for SaveContext<'_> {
    /// Shows no headers: they may set other sessions' cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveContext")
            .field("cookie", &self.cookie)
            .field("now", &self.now)
            .field("change", &self.change)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What saving came to. The middleware writes the headers from it.
#[derive(Clone, PartialEq, Eq)]
pub enum Saved {
    /// The session is saved; its cookie is to hold this token: characters that a cookie may hold
    /// (RFC 6265bis, 4.1.1: no white space, quotes, comma, semicolon or backslash).
    Token(String),
    /// The session is deleted; its cookie is to be removed.
    Removed,
    /// The cookie is to be left as it is.
    Nothing,
}

impl fmt::Debug for Saved {
    /// Shows no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Removed => "Removed",
            Self::Nothing => "Nothing",
        })
    }
}

/// Seconds since 1970, as tokens count them.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs)
}
