//! Logging in and out, on the session's handle: [`LoginSession`], and where it was: [`LoginDevice`].

use sessions::{
    Session, SessionError,
    backend::OwnedSession,
    session::{PurgeOutcome, SessionSelector, layers::attached},
};

use crate::{client::Client, device::Device, note::LoginNote, user::User};

/// Logs users in and out. A trait, so that it is imported: `use sessions_login::LoginSession`.
pub trait LoginSession {
    /// Logs this user in, whose password, or whatever else it proves itself by, was verified. The session
    /// gets a new token, so that nobody can have planted it, and of another user's session nothing is left.
    ///
    /// After a change of the password, log the user in again: this session goes on, and all others of the
    /// user end, since they have the [stamp](User::stamp) of the former one.
    ///
    /// # Errors
    ///
    /// Those of [`Session::set_owner_with`].
    fn log_in<T: User>(&self, user: &T) -> Result<(), SessionError>;

    /// Logs the user out: purges the session, and says how far that reaches.
    ///
    /// # Errors
    ///
    /// Those of [`Session::purge`].
    fn log_out(&self) -> Result<PurgeOutcome, SessionError>;

    /// Notes that the user has just proved who it is, with its password for example, for
    /// [`RecentLogin`](crate::RecentLogin). The session gets a new token.
    ///
    /// # Errors
    ///
    /// Those of [`Session::set_login_note`], among them [`SessionError::NoOwner`] where nobody is logged in.
    fn confirm(&self) -> Result<(), SessionError>;
}

impl<I: SessionSelector> LoginSession for Session<I> {
    fn log_in<T: User>(&self, user: &T) -> Result<(), SessionError> {
        let client = attached::<I, Client>(self);
        let device = client.as_ref().and_then(|client| client.device());
        #[cfg(feature = "flask")]
        if let Some(flask) = flask(client.as_deref()) {
            return flask.log_in(self, &user.id().to_string(), device);
        }
        self.set_owner_with(user.id(), &LoginNote::new(user, self.now(), device))
    }

    fn log_out(&self) -> Result<PurgeOutcome, SessionError> {
        #[cfg(feature = "flask")]
        if let Some(flask) = flask(attached::<I, Client>(self).as_deref()) {
            flask.log_out(self)?;
            return Ok(PurgeOutcome::CookieRemoved);
        }
        self.purge()
    }

    fn confirm(&self) -> Result<(), SessionError> {
        #[cfg(feature = "flask")]
        if let Some(flask) = flask(attached::<I, Client>(self).as_deref()) {
            return flask.confirm(self);
        }
        let note: LoginNote = self.login_note()?.ok_or(SessionError::NoOwner)?;
        self.set_login_note(&note.proved_at(self.now()))
    }
}

#[cfg(feature = "flask")]
fn flask(client: Option<&Client>) -> Option<&crate::flask::FlaskClient> {
    client.and_then(|client| client.flask.as_ref())
}

/// The device of a login, of the session at hand and of those in a list. A trait, so that it is imported:
/// `use sessions_login::LoginDevice`.
///
/// # Examples
///
/// ```
/// use sessions::{MemoryStore, ServerSide};
/// use sessions_login::LoginDevice;
///
/// async fn devices(
///     backend: &ServerSide<MemoryStore>,
///     user: i64,
/// ) -> Result<Vec<String>, sessions::error::OwnerError> {
///     let sessions = backend.sessions_of(user).await?;
///     Ok(sessions.iter().filter_map(|session| Some(session.device()?.to_string())).collect())
/// }
/// ```
pub trait LoginDevice {
    /// Returns the device that the user logged in with, or `None` without a login of this crate, or where
    /// [`Logins::devices`](crate::Logins::devices) did not ask for it.
    fn device(&self) -> Option<Device>;
}

impl LoginDevice for OwnedSession {
    fn device(&self) -> Option<Device> {
        self.login_note::<LoginNote>().ok()??.device
    }
}

impl<I: SessionSelector> LoginDevice for Session<I> {
    fn device(&self) -> Option<Device> {
        self.login_note::<LoginNote>().ok()??.device
    }
}
