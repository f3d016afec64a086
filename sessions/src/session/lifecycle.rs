//! The life of a session: login, logout, a new token, permanence.

use std::{fmt::Display, str::FromStr, time::SystemTime};

use serde::{Serialize, de::DeserializeOwned};

use super::{Session, SessionSelector};
use crate::{
    error::{SessionError, ValueError},
    state::{LOGIN, OWNER, PurgeOutcome, SessionState},
    store::Lifetimes,
};

/// # Login, logout and lifetime
impl<I: SessionSelector> Session<I> {
    /// Whether the session outlives the browser session.
    pub fn permanent(&self) -> bool {
        self.look(SessionState::permanent)
    }

    /// Sets whether the session is permanent: whether its cookie has an expiry.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn set_permanent(&self, permanent: bool) -> Result<(), SessionError> {
        self.change(|state| state.set_permanent(permanent))
    }

    /// Whether the session is remembered.
    pub fn remembered(&self) -> bool {
        self.look(SessionState::remembered)
    }

    /// Sets whether the session is remembered: the box "stay logged in". A remembered session lasts for
    /// [`remembered`](crate::SessionConfig::remembered) from its login, 30 days by default, used or not, and
    /// browsers keep its cookie as long. Any other session has `lifetime`, `idle_timeout` and
    /// `absolute_timeout`, and its cookie ends with the browser unless the session is
    /// [permanent](Self::set_permanent).
    ///
    /// Each login decides again: after a [`set_owner`](Self::set_owner) the session is remembered if the same
    /// request calls this with `true`, before or after it.
    ///
    /// The session keeps the choice, not the time, so that another value of the policy counts for sessions
    /// that exist as well. On a server-side store a visitor's session, one that was never logged in or
    /// renewed, ends unused after `anonymous_lifetime` nevertheless.
    ///
    /// # Security
    ///
    /// A stolen device or token is of use for longer. Ask for the password again before what must not happen
    /// then (OWASP ASVS 5.0, 7.5.1), and let users see and end their sessions
    /// ([`sessions_of`](crate::ServerSide::sessions_of)).
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`], [`SessionError::TooLarge`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn log_in(session: &Session, user_id: u64, stay_logged_in: bool) -> Result<(), SessionError> {
    ///     session.set_owner(user_id)?;
    ///     session.set_remembered(stay_logged_in)
    /// }
    /// ```
    pub fn set_remembered(&self, remembered: bool) -> Result<(), SessionError> {
        self.change(|state| state.set_remembered(remembered))
    }

    /// Returns the timeouts that [`set_lifetimes`](Self::set_lifetimes) set for this session.
    pub fn lifetimes(&self) -> Lifetimes {
        self.look(SessionState::lifetimes)
    }

    /// Sets timeouts for this session alone: a kiosk, a login by a code in a mail, an administrator. Each
    /// applies where it is shorter than what the policies say: of `idle_timeout` and `absolute_timeout`, or of
    /// `remembered` where the session [is](Self::remembered). None prolongs a session: how long one lasts at
    /// most stands in the policies. [`Lifetimes::new`] takes them back.
    ///
    /// The timeouts are enforced on the server and count as those of the policies: the idle one from the last
    /// use, the absolute one from the login. In a session in a cookie without either a login or an
    /// `absolute_timeout` it counts from this call.
    ///
    /// Each login decides again: after a [`set_owner`](Self::set_owner) the session has the timeouts that the
    /// same request sets, before or after it, else those of the policies.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`], [`SessionError::TooLarge`], and
    /// [`SessionError::Lifetimes`] for timeouts that the policies could not have either.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sessions::{Lifetimes, Session, SessionError};
    /// fn log_in_at_a_kiosk(session: &Session, user_id: u64) -> Result<(), SessionError> {
    ///     session.set_owner(user_id)?;
    ///     session.set_lifetimes(Lifetimes::new().idle_timeout(Duration::from_secs(2 * 60)))
    /// }
    /// ```
    pub fn set_lifetimes(&self, lifetimes: Lifetimes) -> Result<(), SessionError> {
        self.change(|state| state.set_lifetimes(lifetimes))
    }

    /// Whether this request started the session.
    pub fn is_new(&self) -> bool {
        self.look(SessionState::is_new)
    }

    /// Whether this request has changed the session. The call does not count as access.
    pub fn is_modified(&self) -> bool {
        self.peek(SessionState::is_modified)
    }

    /// Marks the session as modified, so that it is saved even if no key changed, or withdraws the
    /// mark.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn set_modified(&self, modified: bool) -> Result<(), SessionError> {
        self.change(|state| state.set_modified(modified))
    }

    /// Whether this request has read or written the session. The call does not count as access.
    pub fn is_accessed(&self) -> bool {
        self.peek(SessionState::is_accessed)
    }

    /// Purges the session: logs its client out. A later write, for example a message for the next
    /// page, starts a new session. The purge is carried out whatever the status of the response.
    ///
    /// Returns how far the purge reaches (OWASP ASVS 5.0, 7.4.1):
    ///
    /// - [`PurgeOutcome::TokenRevoked`] for a session that the server keeps: no copy of its token
    ///   is valid once the response is sent. If that fails, the client gets an error.
    /// - [`PurgeOutcome::CookieRemoved`] for a session that lives in its cookie: this client
    ///   removes the cookie, and a copy of it stays valid.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn purge(&self) -> Result<PurgeOutcome, SessionError> {
        self.change(SessionState::purge)
    }

    /// Gives the session a new token and a new state of rights. Call it at login and wherever
    /// rights change (OWASP Session Management, renewal after any privilege change).
    ///
    /// On server-side stores, requests that began before write nothing more, and the former token
    /// is worthless at once. To replace the token on a timer, call [`rotate`](Self::rotate), which
    /// lets them go on.
    ///
    /// The session keeps its content and its start, from which `absolute_timeout` counts. The
    /// renewal is carried out whatever the status of the response.
    ///
    /// # Security
    ///
    /// The session keeps what it held before the login, and an attacker may have planted that.
    /// Remove the keys that must not survive, or [`purge`](Self::purge) first and insert
    /// afterwards. An older [`SignedCookie`](crate::SignedCookie) stays valid with the content it
    /// had.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn renew(&self) -> Result<(), SessionError> {
        self.change(SessionState::renew)
    }

    /// Gives the session another token for the same rights. Call it on a timer, to limit how long a
    /// stolen token is of use (OWASP Session Management, renewal timeout).
    ///
    /// On server-side stores, requests under way go on, and the former token opens the session
    /// until [`rotate_grace`](crate::SessionConfig::rotate_grace) is over. A session knows its last four
    /// tokens: rotate on a timer, not with each request. Where the same request
    /// calls [`renew`](Self::renew), the session is renewed.
    ///
    /// The session keeps its content and its start, from which `absolute_timeout` counts. The
    /// rotation is carried out whatever the status of the response.
    ///
    /// # Security
    ///
    /// Not for a login or a change of rights: an attacker with the former token keeps the session
    /// for the grace, and a request that the attacker began before it still writes. An older
    /// [`SignedCookie`](crate::SignedCookie) stays valid with the content it had.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn rotate(&self) -> Result<(), SessionError> {
        self.change(SessionState::rotate)
    }

    /// Logs `owner` in: stores the owner's id, gives the session a new token, and restarts its
    /// `absolute_timeout`.
    ///
    /// A session of another owner is purged first, so that no key of it survives. Otherwise the
    /// session keeps what it held before the login.
    ///
    /// The id is the application's own, for example a number or a UUID. With a server-side store,
    /// an owner's sessions can then be [listed](crate::ServerSide::sessions_of) and [ended
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
    pub fn set_owner(&self, owner: impl Display) -> Result<(), SessionError> {
        let owner = owner.to_string();
        self.change(|state| state.log_in(&owner, None))
    }

    /// Logs `owner` in as [`set_owner`](Self::set_owner) does, and stores a note about this login: what
    /// the application decides by later, such as when the password was given.
    ///
    /// No write of keys reaches the note, so that no handler that writes what a client names can forge
    /// one. It ends with its login: the next one has its own note, or none.
    ///
    /// # Errors
    ///
    /// Those of [`set_owner`](Self::set_owner), and [`SessionError::Encode`] when the note cannot be
    /// written as JSON.
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn log_in(session: &Session, user_id: u64) -> Result<(), SessionError> {
    ///     session.set_owner_with(user_id, "by passkey")
    /// }
    ///
    /// fn is_strong(session: &Session) -> Result<bool, SessionError> {
    ///     Ok(session.login_note::<String>()?.is_some_and(|note| note == "by passkey"))
    /// }
    /// ```
    pub fn set_owner_with<N: Serialize + ?Sized>(
        &self,
        owner: impl Display,
        note: &N,
    ) -> Result<(), SessionError> {
        let (owner, note) = (owner.to_string(), self.encoder.encode(LOGIN, note)?);
        self.change(|state| state.log_in(&owner, Some(note)))
    }

    /// Returns the note about the present login, or `None` without one.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the note does not deserialise as `N`.
    pub fn login_note<N: DeserializeOwned>(&self) -> Result<Option<N>, SessionError> {
        self.get(LOGIN)
    }

    /// Replaces the note about the present login, and [renews](Self::renew) the session, whose rights may
    /// depend on it. The login stays, and with it the time from which `absolute_timeout` counts.
    ///
    /// # Errors
    ///
    /// Those of [`set_owner_with`](Self::set_owner_with), and [`SessionError::NoOwner`] without a login.
    pub fn set_login_note<N: Serialize + ?Sized>(&self, note: &N) -> Result<(), SessionError> {
        let note = self.encoder.encode(LOGIN, note)?;
        self.change(|state| state.replace_login_note(note))
    }

    /// Returns the id that [`set_owner`](Self::set_owner) stored, or `None` without a login.
    pub fn owner(&self) -> Option<String> {
        self.look(SessionState::owner)
    }

    /// Returns the owner's id as the type that the application gives its ids: an integer, a UUID, any type
    /// that is read from the text which [`set_owner`](Self::set_owner) wrote.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the id is no `T`: another program, or a former version, logged the owner
    /// in with another type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn user(session: &Session) -> Result<Option<i64>, SessionError> {
    ///     session.owner_as()
    /// }
    /// ```
    pub fn owner_as<T: FromStr>(&self) -> Result<Option<T>, SessionError> {
        let parse = |owner: String| {
            owner.parse().map_err(|_| {
                let source = ValueError::new("it is not an id of this type");
                SessionError::Decode { key: OWNER.into(), source }
            })
        };
        self.owner().map(parse).transpose()
    }

    /// Returns the present time by the clock of the session's middleware, which a test may set. The call
    /// does not count as access.
    pub fn now(&self) -> SystemTime {
        I::any(&self.slot).now()
    }

    /// Discards the changes of this request. A [`renew`](Self::renew), a [`rotate`](Self::rotate)
    /// or a [`purge`](Self::purge) is still carried out.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn rollback(&self) -> Result<(), SessionError> {
        self.change(SessionState::rollback)
    }
}
