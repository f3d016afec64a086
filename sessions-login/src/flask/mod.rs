//! Logins of Flask-Login 0.6, in a session that a Flask application shares.

mod identifier;

use std::{borrow::Cow, net::IpAddr};

use actix_web::{
    HttpRequest,
    http::header::{COOKIE, HeaderValue, USER_AGENT},
};
use serde::Serialize;
use sessions::{
    Session, SessionError,
    session::{SessionSelector, layers::write_login_note},
};

use self::identifier::identifier;
use crate::{device::Device, note::LoginNote};

const USER_ID: &str = "_user_id";
const FRESH: &str = "_fresh";
const ID: &str = "_id";
const REMEMBER: &str = "_remember";
const REMEMBER_SECONDS: &str = "_remember_seconds";

/// The keys that Flask-Login removes from a session that it ends.
const KEYS: [&str; 6] = [USER_ID, REMEMBER, REMEMBER_SECONDS, ID, FRESH, "next"];

/// The logins of a Flask application with Flask-Login, which shares its session
/// ([`FlaskCookie`](sessions::flask::FlaskCookie)): for [`Logins::flask_login`](crate::Logins::flask_login).
///
/// A user who logged in there is logged in here, and the other way round. The keys are Flask-Login's own:
///
/// | key | here |
/// |---|---|
/// | `_user_id` | who is logged in. [`User::id`](crate::User::id) returns what `get_id` returns there |
/// | `_fresh` | `True` after [`log_in`](crate::LoginSession::log_in) and [`confirm`](crate::LoginSession::confirm) |
/// | `_id` | the client that logged in, for the [protection](SessionProtection) |
/// | `_remember` | `clear` after [`log_out`](crate::LoginSession::log_out), so that Flask removes the cookie `remember_token` with its next page. To have that cookie set, `session.insert("_remember", "set")?` after the login |
///
/// # Security
///
/// - **A login is recent only if it was proved here.** Flask-Login notes that a login is fresh, not when it
///   was: [`RecentLogin`](crate::RecentLogin) lets a user through who called
///   [`log_in`](crate::LoginSession::log_in) or [`confirm`](crate::LoginSession::confirm) within its minutes
///   and is fresh. Who logged in at Flask is asked for the password again.
/// - **There is no stamp.** [`User::stamp`](crate::User::stamp) is not asked, since the Flask application
///   would go on with the login. To end sessions with a changed password, let both applications take an
///   id that changes with it: Flask-Login's *alternative tokens*.
/// - **`_user_id` is a key like others**, as in Flask: never insert under a key that a client names.
/// - **`log_out` keeps the other keys of the session**, as Flask-Login does. Call
///   [`clear`](sessions::Session::clear) before it to leave nothing. A login of another user than the present
///   one leaves nothing of that one.
/// - A browser that has only the cookie `remember_token` is nobody here, until Flask has served it a page.
#[derive(Clone, Debug)]
pub struct FlaskLogin {
    protection: SessionProtection,
    remember_cookie: Cow<'static, str>,
}

impl FlaskLogin {
    /// Returns Flask-Login's defaults: [`SessionProtection::Basic`], and the cookie `remember_token`.
    pub fn new() -> Self {
        Self { protection: SessionProtection::Basic, remember_cookie: "remember_token".into() }
    }

    /// Sets the protection: the same as `SESSION_PROTECTION` in Flask.
    #[must_use]
    pub fn session_protection(mut self, protection: SessionProtection) -> Self {
        self.protection = protection;
        self
    }

    /// Sets the name of the cookie by which Flask-Login remembers users: the same as
    /// `REMEMBER_COOKIE_NAME` in Flask.
    #[must_use]
    pub fn remember_cookie_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.remember_cookie = name.into();
        self
    }
}

impl Default for FlaskLogin {
    fn default() -> Self {
        Self::new()
    }
}

/// What happens to a session that came from another client than the one that logged in: another address,
/// or another user agent. Flask-Login's `SESSION_PROTECTION`.
///
/// # Security
///
/// The address is the first of the header `X-Forwarded-For`, where there is one, and else that of the
/// connection, since Flask-Login takes that: both applications stand behind the same proxy. A client
/// without a proxy can write that header, and so can who stole the cookie and knows the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionProtection {
    /// Nothing: `None` in Flask.
    Off,
    /// The login is not fresh any more, and so not recent.
    #[default]
    Basic,
    /// The login ends, and `remember_token` goes. A permanent session is protected as with `Basic`.
    Strong,
}

/// What Flask-Login asks of a request.
pub(crate) struct FlaskClient {
    protection: SessionProtection,
    forwarded_for: Option<HeaderValue>,
    peer: Option<IpAddr>,
    user_agent: Option<HeaderValue>,
    /// Whether it sent the cookie by which Flask-Login remembers users.
    is_remembered: bool,
}

/// A user who is logged in.
pub(crate) struct FlaskUser {
    pub(crate) id: String,
    /// The proof of this login, if it was one of this crate and is fresh.
    pub(crate) note: Option<LoginNote>,
}

/// The value of a key of Flask-Login.
#[derive(Serialize)]
#[serde(untagged)]
enum Value<'v> {
    Text(&'v str),
    Flag(bool),
}

impl FlaskClient {
    pub(crate) fn of(login: &FlaskLogin, request: &HttpRequest) -> Self {
        Self {
            protection: login.protection,
            forwarded_for: request.headers().get("x-forwarded-for").cloned(),
            peer: request.peer_addr().map(|address| address.ip()),
            user_agent: request.headers().get(USER_AGENT).cloned(),
            is_remembered: has_cookie(request, login.remember_cookie.as_bytes()),
        }
    }

    /// Applies the protection, and returns the user who is logged in.
    pub(crate) fn user<I: SessionSelector>(
        &self,
        session: &Session<I>,
    ) -> Result<Option<FlaskUser>, SessionError> {
        if !self.admits(session)? {
            return Ok(None);
        }
        let Some(id) = user_id(session) else { return Ok(None) };
        let is_fresh = session.get(FRESH).is_ok_and(|fresh| fresh == Some(true));
        let note = session.login_note().ok().flatten();
        let note = note.filter(|note: &LoginNote| is_fresh && note.is_by(&id));
        Ok(Some(FlaskUser { id, note }))
    }

    /// Whether the client is the one that logged in, as far as the protection cares.
    fn admits<I: SessionSelector>(&self, session: &Session<I>) -> Result<bool, SessionError> {
        let is_same = || session.get(ID).is_ok_and(|id| id == Some(self.identifier()));
        if self.protection == SessionProtection::Off || session.is_empty() || is_same() {
            return Ok(true);
        }
        let ends = self.protection == SessionProtection::Strong && !session.permanent();
        let written = if ends { end(session) } else { make_stale(session) };
        match written {
            // The handler has saved the session, and asks after that.
            Ok(()) | Err(SessionError::Saved) => Ok(!ends),
            Err(err) => Err(err),
        }
    }

    pub(crate) fn log_in<I: SessionSelector>(
        &self,
        session: &Session<I>,
        id: &str,
        device: Option<Device>,
    ) -> Result<(), SessionError> {
        // Of another user's session nothing is left.
        if user_id(session).is_some_and(|present| present != id) || session.owner().is_some() {
            session.purge()?;
            self.forget_remembered(session)?;
        }
        self.prove(session, id, device)
    }

    pub(crate) fn confirm<I: SessionSelector>(
        &self,
        session: &Session<I>,
    ) -> Result<(), SessionError> {
        let id = user_id(session).ok_or(SessionError::NoOwner)?;
        let note = session.login_note().ok().flatten();
        let device = note.filter(|note: &LoginNote| note.is_by(&id)).and_then(|note| note.device);
        self.prove(session, &id, device)
    }

    fn prove<I: SessionSelector>(
        &self,
        session: &Session<I>,
        id: &str,
        device: Option<Device>,
    ) -> Result<(), SessionError> {
        session.renew()?;
        write_login_note(session, Some(&LoginNote::by(id, session.now(), device)))?;
        session.extend([
            (USER_ID, Value::Text(id)),
            (FRESH, Value::Flag(true)),
            (ID, Value::Text(&self.identifier())),
        ])
    }

    pub(crate) fn log_out<I: SessionSelector>(
        &self,
        session: &Session<I>,
    ) -> Result<(), SessionError> {
        if session.owner().is_some() {
            session.purge()?;
        }
        for key in [USER_ID, FRESH, ID] {
            session.remove(key)?;
        }
        write_login_note(session, None::<&LoginNote>)?;
        self.forget_remembered(session)
    }

    /// Lets Flask remove its cookie, which would log the user in again.
    fn forget_remembered<I: SessionSelector>(
        &self,
        session: &Session<I>,
    ) -> Result<(), SessionError> {
        if !self.is_remembered {
            return Ok(());
        }
        session.insert(REMEMBER, "clear")?;
        session.remove(REMEMBER_SECONDS).map(drop)
    }

    fn identifier(&self) -> String {
        let bytes = |header: &Option<HeaderValue>| header.as_ref().map(|it| it.as_bytes().to_vec());
        let peer = || self.peer.map(|peer| peer.to_string().into_bytes());
        identifier(bytes(&self.forwarded_for).or_else(peer), bytes(&self.user_agent))
    }
}

/// Returns who is logged in by the keys. Flask-Login passes on what `get_id` returned, a text as a rule.
fn user_id<I: SessionSelector>(session: &Session<I>) -> Option<String> {
    let text = || session.get::<String>(USER_ID).ok().flatten();
    let number = || session.get::<i64>(USER_ID).ok().flatten().map(|id| id.to_string());
    text().or_else(number)
}

fn end<I: SessionSelector>(session: &Session<I>) -> Result<(), SessionError> {
    for key in KEYS {
        session.remove(key)?;
    }
    write_login_note(session, None::<&LoginNote>)?;
    session.insert(REMEMBER, "clear")
}

fn make_stale<I: SessionSelector>(session: &Session<I>) -> Result<(), SessionError> {
    if session.get(FRESH).is_ok_and(|fresh| fresh == Some(false)) {
        return Ok(());
    }
    session.insert(FRESH, false)
}

fn has_cookie(request: &HttpRequest, name: &[u8]) -> bool {
    let headers = request.headers().get_all(COOKIE);
    let mut pairs = headers.flat_map(|header| header.as_bytes().split(|&byte| byte == b';'));
    pairs.any(|pair| {
        let named = pair.trim_ascii_start().strip_prefix(name);
        named.is_some_and(|value| value.starts_with(b"="))
    })
}
