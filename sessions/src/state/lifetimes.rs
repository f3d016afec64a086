//! The lifetimes that a session has of its own.

use super::{REMEMBERED, SessionState};
use crate::{error::SessionError, store::OwnLifetimes};

/// # Lifetimes
impl SessionState {
    /// Whether the session is remembered: [`set_remembered`](Self::set_remembered).
    pub fn remembered(&self) -> bool {
        self.inner.dictionary.raw(REMEMBERED) == Some("true")
    }

    /// Sets whether the session is remembered: it then lasts for the policy `remembered` from its login, used
    /// or not, and its cookie as long. Otherwise it has the other lifetimes.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, and [`SessionError::TooLarge`] when the key `_remembered`
    /// does not fit.
    pub fn set_remembered(&mut self, remembered: bool) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        let chosen = std::mem::replace(&mut self.inner.meta.chose_lifetimes, true);
        let written = self.write_remembered(remembered);
        if written.is_err() {
            self.inner.meta.chose_lifetimes = chosen;
        }
        written
    }

    /// Returns what the session's lifetimes differ by from the policies.
    pub(crate) fn own_lifetimes(&self) -> OwnLifetimes {
        OwnLifetimes { remembered: self.remembered() }
    }

    /// Whether this request decided the lifetimes, and saves its changes.
    pub(crate) fn chose_lifetimes(&self) -> bool {
        self.inner.meta.chose_lifetimes
    }

    /// Returns the lifetimes that this request decided.
    pub(super) fn chosen_lifetimes(&self) -> Option<OwnLifetimes> {
        self.chose_lifetimes().then(|| self.own_lifetimes())
    }

    /// Gives a login the lifetimes that its request decided, else those of the policies.
    pub(super) fn decide_lifetimes(
        &mut self,
        chosen: Option<OwnLifetimes>,
    ) -> Result<(), SessionError> {
        self.write_remembered(chosen.is_some_and(|chosen| chosen.remembered))?;
        self.inner.meta.chose_lifetimes = chosen.is_some();
        Ok(())
    }

    /// Removes the key also where there is none: a newer state may have it.
    fn write_remembered(&mut self, remembered: bool) -> Result<(), SessionError> {
        if remembered {
            return self.set_own(REMEMBERED, "true".into());
        }
        self.inner.dictionary.remove(REMEMBERED).map(drop)
    }
}
