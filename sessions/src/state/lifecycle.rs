//! The session as a whole: permanent, modified, renewed, purged, refreshed.

use std::sync::atomic::Ordering;

use super::{PERMANENT, PurgeOutcome, SessionState, SessionStatus, is_hidden, meta::TokenFate};
use crate::error::{NullSession, SessionError};

impl SessionState {
    /// Returns why there is no session, if this is a null session.
    pub fn null_session(&self) -> Option<&NullSession> {
        self.inner.meta.null.as_ref()
    }

    /// Whether no former request left this session: nothing was opened, or it was purged.
    pub fn is_new(&self) -> bool {
        !self.inner.meta.opened
    }

    /// Whether this request changed a key, purged the session, or said so with
    /// [`set_modified`](Self::set_modified).
    pub fn is_modified(&self) -> bool {
        self.inner.meta.modified
            || matches!(self.inner.meta.token, TokenFate::Purged)
            || self.inner.dictionary.is_edited(is_hidden)
    }

    /// Declares the session modified, or takes that back. A changed key counts in either case.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn set_modified(&mut self, modified: bool) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        self.inner.meta.modified = modified;
        Ok(())
    }

    /// Whether a handle read or wrote this session.
    pub fn is_accessed(&self) -> bool {
        self.inner.meta.accessed.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_accessed(&self) {
        self.inner.meta.accessed.store(true, Ordering::Relaxed);
    }

    /// Returns what this request did to the session.
    pub fn status(&self) -> SessionStatus {
        match self.inner.meta.token {
            TokenFate::Purged => SessionStatus::Purged,
            TokenFate::Renewed => SessionStatus::Renewed,
            TokenFate::Kept if self.is_modified() => SessionStatus::Changed,
            TokenFate::Kept => SessionStatus::Unchanged,
        }
    }

    /// Whether the session outlives the browser session: its key `_permanent` as in Flask, or for
    /// a new session the policy `permanent`.
    pub fn permanent(&self) -> bool {
        match self.inner.dictionary.raw(PERMANENT) {
            Some(json) => json == "true",
            None => {
                self.is_new() && self.inner.meta.starts_permanent && self.inner.meta.null.is_none()
            }
        }
    }

    /// Makes the session permanent or not. In a new session that is no change by itself when it
    /// says what the policy `permanent` says already.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn set_permanent(&mut self, permanent: bool) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        let is_noted =
            self.inner.dictionary.raw(PERMANENT).is_some() || !self.format().notes_impermanence();
        if permanent != self.permanent() || !is_noted {
            self.inner.dictionary.set(PERMANENT, permanent.to_string());
        }
        Ok(())
    }

    /// Starts a new session permanent, as the policy says.
    pub(crate) fn start_permanent(&mut self, permanent: bool) {
        self.inner.meta.starts_permanent = permanent;
    }

    /// Asks for a new token at the end of this request. Call it at login and wherever rights change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn renew(&mut self) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        if matches!(self.inner.meta.token, TokenFate::Kept) {
            self.inner.meta.token = TokenFate::Renewed;
        }
        Ok(())
    }

    /// Ends the session. What is written after it starts a new one.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn purge(&mut self) -> Result<PurgeOutcome, SessionError> {
        self.inner.meta.check_writable()?;
        self.inner.dictionary.reset();
        let meta = &mut self.inner.meta;
        meta.token = TokenFate::Purged;
        meta.opened = false;
        meta.modified = false;
        meta.logs_in = false;
        meta.adopted = None;
        Ok(if meta.revocable { PurgeOutcome::TokenRevoked } else { PurgeOutcome::CookieRemoved })
    }

    /// Declares that purging this session revokes every copy of its token, since the server keeps
    /// the session or a list of those that are ended. [`purge`](Self::purge) answers accordingly.
    pub fn set_revocable(&mut self, revocable: bool) {
        self.inner.meta.revocable = revocable;
    }

    /// Drops what this request changed. A `renew` or a `purge` stands.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn rollback(&mut self) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        self.inner.dictionary.rollback(is_hidden);
        self.inner.meta.modified = false;
        self.inner.meta.logs_in = false;
        Ok(())
    }

    /// Asks for the session to be saved with this response though nothing changed: its token was
    /// signed with a former key, for instance, or its idle time starts again.
    pub fn request_refresh(&mut self) {
        self.inner.meta.refresh = true;
    }

    /// Whether [`request_refresh`](Self::request_refresh) was called.
    pub fn wants_refresh(&self) -> bool {
        self.inner.meta.refresh
    }

    /// Whether this holds what it was opened with, the framework's own keys included.
    #[cfg(feature = "flask")]
    pub(crate) fn is_as_opened(&self) -> bool {
        !self.is_new() && !self.inner.dictionary.is_edited(|_| false)
    }
}
