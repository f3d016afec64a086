//! The content of a session: the object behind the handle.

use crate::{
    error::{ConfigError, NullSession, SessionError},
    state::SessionState,
};

/// The session object of an interface: Flask's `SessionMixin`.
///
/// Most interfaces use [`SessionState`]. A type of your own wraps one, which handles read and
/// write, and adds what `save_session` needs to know from `open_session`.
pub trait SessionContent: Send + Sync + 'static {
    /// Makes the content of a null session.
    fn null(null: NullSession) -> Self;

    /// Returns the session's state, to read.
    fn state(&self) -> &SessionState;

    /// Returns the session's state, to write.
    fn state_mut(&mut self) -> &mut SessionState;

    /// Checks the type when the service is built.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Data`] when the type cannot be the content of a session.
    fn check() -> Result<(), ConfigError> {
        Ok(())
    }

    /// Whether this is a null session.
    fn is_null(&self) -> bool {
        self.state().null_session().is_some()
    }

    /// Whether the session outlives the browser session: the key `_permanent`, as in Flask.
    fn permanent(&self) -> bool {
        self.state().permanent()
    }

    /// Sets whether the session is permanent.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    fn set_permanent(&mut self, permanent: bool) -> Result<(), SessionError> {
        self.state_mut().set_permanent(permanent)
    }

    /// Whether this request started the session.
    fn is_new(&self) -> bool {
        self.state().is_new()
    }

    /// Whether this request changed the session.
    fn is_modified(&self) -> bool {
        self.state().is_modified()
    }

    /// Whether this request read or wrote the session.
    fn is_accessed(&self) -> bool {
        self.state().is_accessed()
    }

    /// Whether the session has no keys.
    fn is_empty(&self) -> bool {
        self.state().is_empty()
    }
}

impl SessionContent for SessionState {
    fn null(null: NullSession) -> Self {
        Self::null(null)
    }

    fn state(&self) -> &SessionState {
        self
    }

    fn state_mut(&mut self) -> &mut SessionState {
        self
    }
}
