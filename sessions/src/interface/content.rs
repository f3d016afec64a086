//! The session object behind the handle.

use crate::{
    error::{ConfigError, NullSession, SessionError},
    state::SessionState,
};

/// What a session object can do: Flask's `SessionMixin`.
///
/// [`SessionState`] is the one that most interfaces use. A type of its own keeps a dictionary, which
/// is what handles read and write, and whatever else `save_session` needs to know from
/// `open_session`.
pub trait SessionContent: Send + Sync + 'static {
    /// Makes the content of a null session.
    fn null(null: NullSession) -> Self;

    /// Returns the dictionary.
    fn state(&self) -> &SessionState;

    /// Returns the dictionary to write to.
    fn state_mut(&mut self) -> &mut SessionState;

    /// Checks, when the service is built, that the content can be what it says.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Data`] when it cannot.
    fn check() -> Result<(), ConfigError> {
        Ok(())
    }

    /// Whether there is no session, only what stands in for it.
    fn is_null(&self) -> bool {
        self.state().null_session().is_some()
    }

    /// Whether the session outlives the browser session: the key `_permanent`, as in Flask.
    fn permanent(&self) -> bool {
        self.state().permanent()
    }

    /// Makes the session permanent or not.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    fn set_permanent(&mut self, permanent: bool) -> Result<(), SessionError> {
        self.state_mut().set_permanent(permanent)
    }

    /// Whether no former request left this session.
    fn is_new(&self) -> bool {
        self.state().is_new()
    }

    /// Whether this request changed the session.
    fn is_modified(&self) -> bool {
        self.state().is_modified()
    }

    /// Whether this request looked into the session.
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
