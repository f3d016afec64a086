//! The life of a session: permanent, modified, renewed, rotated, purged, refreshed.

use std::sync::atomic::Ordering;

use super::{
    PERMANENT, PurgeOutcome, SessionState, SessionStatus, is_hidden, lifetimes::ChosenLifetimes,
    meta::TokenFate,
};
use crate::error::{NullSession, SessionError};

impl SessionState {
    /// Returns why there is no session, if this is a null session.
    pub fn null_session(&self) -> Option<&NullSession> {
        self.inner.meta.null.as_ref()
    }

    /// Whether this request started the session: no cookie opened one, or it was purged.
    pub fn is_new(&self) -> bool {
        !self.inner.meta.opened
    }

    /// Whether this request changed a key, took a value, purged the session, or called
    /// [`set_modified`](Self::set_modified).
    pub fn is_modified(&self) -> bool {
        self.inner.meta.modified
            || matches!(self.inner.meta.token, TokenFate::Purged)
            || self.inner.dictionary.is_edited(is_hidden)
            // A value that was taken and set again must still be there.
            || self.is_conditional()
    }

    /// Marks the session as modified, or withdraws the mark. A changed key counts in either case.
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
            TokenFate::Rotated => SessionStatus::Rotated,
            TokenFate::Kept if self.is_modified() => SessionStatus::Changed,
            TokenFate::Kept => SessionStatus::Unchanged,
        }
    }

    /// Whether the session outlives the browser session: by its key `_permanent`, as in Flask, or
    /// for a new session by the policy `permanent`.
    pub fn permanent(&self) -> bool {
        match self.inner.dictionary.raw(PERMANENT) {
            Some(json) => json == "true",
            None => {
                self.is_new() && self.inner.meta.starts_permanent && self.inner.meta.null.is_none()
            }
        }
    }

    /// Sets whether the session is permanent. In a new session, the value of the policy `permanent`
    /// is not a change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, and [`SessionError::TooLarge`] when the key
    /// `_permanent` no longer fits.
    pub fn set_permanent(&mut self, permanent: bool) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        let is_written = self.inner.dictionary.raw(PERMANENT).is_some()
            || !self.format().writes_permanent_false();
        if permanent != self.permanent() || !is_written {
            self.set_own(PERMANENT, permanent.to_string())?;
        }
        Ok(())
    }

    /// Whether this request made the session permanent, or no longer permanent.
    pub(crate) fn permanence_changed(&self) -> bool {
        self.inner.dictionary.is_edited(|key| key != PERMANENT)
    }

    /// Applies the policy `permanent` to a new session.
    pub(crate) fn start_permanent(&mut self, permanent: bool) {
        self.inner.meta.starts_permanent = permanent;
    }

    /// Requests a new token and a new state of rights for the session. Call it at login and wherever
    /// rights change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn renew(&mut self) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        self.inner.meta.token = match self.inner.meta.token {
            TokenFate::Purged => TokenFate::Purged,
            TokenFate::Kept | TokenFate::Rotated | TokenFate::Renewed => TokenFate::Renewed,
        };
        Ok(())
    }

    /// Requests another token for the same rights. A [`renew`](Self::renew) of the same request
    /// goes above it.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn rotate(&mut self) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        if matches!(self.inner.meta.token, TokenFate::Kept) {
            self.inner.meta.token = TokenFate::Rotated;
        }
        Ok(())
    }

    /// Cancels a rotation that this request asked for.
    pub(crate) fn cancel_rotation(&mut self) {
        if matches!(self.inner.meta.token, TokenFate::Rotated) {
            self.inner.meta.token = TokenFate::Kept;
        }
    }

    /// Purges the session. A later write starts a new one.
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
        meta.chosen = ChosenLifetimes::default();
        meta.adopted = None;
        Ok(if meta.revocable { PurgeOutcome::TokenRevoked } else { PurgeOutcome::CookieRemoved })
    }

    /// Declares whether a purge revokes every copy of the token, since the server keeps the session
    /// or a list of revoked ones. [`purge`](Self::purge) returns the outcome accordingly.
    pub fn set_revocable(&mut self, revocable: bool) {
        self.inner.meta.revocable = revocable;
    }

    /// Discards the changes of this request. A `renew`, a `rotate` or a `purge` is still carried out.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn rollback(&mut self) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        self.inner.dictionary.rollback(is_hidden);
        self.inner.meta.modified = false;
        self.inner.meta.logs_in = false;
        self.inner.meta.chosen = ChosenLifetimes::default();
        Ok(())
    }

    /// Requests that the session is saved with this response even if nothing changed: for example
    /// because its token is signed with a fallback key, or because its idle time restarts.
    pub fn request_refresh(&mut self) {
        self.inner.meta.refresh = true;
    }

    /// Whether [`request_refresh`](Self::request_refresh) was called.
    pub fn wants_refresh(&self) -> bool {
        self.inner.meta.refresh
    }

    /// Whether no key differs from the opened session, the framework's own keys included.
    #[cfg(feature = "flask")]
    pub(crate) fn is_as_opened(&self) -> bool {
        !self.is_new() && !self.inner.dictionary.is_edited(|_| false)
    }
}
