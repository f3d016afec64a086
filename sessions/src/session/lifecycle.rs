//! What is done to the session as a whole.

use super::{Session, SessionSelector};
use crate::{
    error::SessionError,
    state::{PurgeOutcome, SessionState},
};

/// The session as a whole.
impl<I: SessionSelector> Session<I> {
    /// Whether the session outlives the browser session.
    pub fn permanent(&self) -> bool {
        self.look(SessionState::permanent)
    }

    /// Makes the session permanent, so that its cookie gets an expiry, or not.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn set_permanent(&self, permanent: bool) -> Result<(), SessionError> {
        self.change(|state| state.set_permanent(permanent))
    }

    /// Whether no former request left this session.
    pub fn is_new(&self) -> bool {
        self.look(SessionState::is_new)
    }

    /// Whether this request changed the session so far. Asking is no access.
    pub fn is_modified(&self) -> bool {
        self.peek(SessionState::is_modified)
    }

    /// Declares the session modified, so that it is saved though no key changed, or takes that
    /// back.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn set_modified(&self, modified: bool) -> Result<(), SessionError> {
        self.change(|state| state.set_modified(modified))
    }

    /// Whether this request looked into the session so far. Asking is no access.
    pub fn is_accessed(&self) -> bool {
        self.peek(SessionState::is_accessed)
    }

    /// Ends the session: log out. What is written after it starts a new one, a message for the
    /// next page say. Carried out whatever the status of the response.
    ///
    /// Returns what that comes to: a session that is kept on the server is [`PurgeOutcome::TokenRevoked`] once
    /// the response is sent, and if that fails the client gets an error; one that lives in its
    /// cookie is [`PurgeOutcome::CookieRemoved`] by this client, and a copy of the cookie goes on (OWASP
    /// ASVS 5.0, 7.4.1).
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn purge(&self) -> Result<PurgeOutcome, SessionError> {
        self.change(SessionState::purge)
    }

    /// Gives the session a new token: at login, and wherever rights change (OWASP Session
    /// Management, renewal after any privilege change). Its content stays, and so does the time it
    /// began, which `absolute_timeout` counts from. Carried out whatever the status of the
    /// response.
    ///
    /// # Security
    ///
    /// What the session held before the login stays in it, and someone else may have planted that:
    /// remove what should not come along, or [`purge`](Self::purge) and then insert. A
    /// [`SignedCookie`](crate::SignedCookie) from before stays valid, with what it held then.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn renew(&self) -> Result<(), SessionError> {
        self.change(SessionState::renew)
    }

    /// Logs `owner` in: notes the id of whose session it is, gives the session a new token, and
    /// starts its `absolute_timeout` anew. The session of another owner ends first, so that nothing
    /// of it comes along. What the session held before the login stays in it.
    ///
    /// The id is what the application knows the owner by, a number or a UUID say. With a
    /// server-side store, sessions can then be [listed](crate::ServerSide::sessions_of) and [ended
    /// together](crate::ServerSide::end_all).
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn log_in(session: &Session, user_id: u64) -> Result<(), SessionError> {
    ///     session.set_owner(user_id)?;
    ///     session.insert("device", "Firefox on Linux")
    /// }
    /// ```
    pub fn set_owner(&self, owner: impl std::fmt::Display) -> Result<(), SessionError> {
        self.change(|state| state.set_owner(owner))
    }

    /// Returns whose session it is, as [`set_owner`](Self::set_owner) noted it, or `None` when
    /// nobody is logged in.
    pub fn owner(&self) -> Option<String> {
        self.look(SessionState::owner)
    }

    /// Takes back what this request changed so far. A [`renew`](Self::renew) or a
    /// [`purge`](Self::purge) stands.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn rollback(&self) -> Result<(), SessionError> {
        self.change(SessionState::rollback)
    }
}
