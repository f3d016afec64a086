//! What a session is besides its keys: new, permanent, renewed, ended, null.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Dictionary, Edit, PERMANENT, STARTED};
use crate::{error::SessionError, null::NullSession};

/// What a request did to its session as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The session is as it was opened.
    #[default]
    Unchanged,
    /// Keys were changed.
    Changed,
    /// The session gets a new token, with changed keys or not.
    Renewed,
    /// The session that was opened has ended. What the dictionary holds is a new one.
    Purged,
}

#[derive(Default)]
enum Identity {
    #[default]
    Kept,
    Renewed,
    Ended,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct State {
    null: Option<NullSession>,
    /// A session of a former request. Not set: a new one.
    opened: bool,
    identity: Identity,
    /// `set_modified(true)`: to be saved whatever the keys say.
    modified: bool,
    starts_permanent: bool,
    refresh: bool,
    accessed: AtomicBool,
}

impl State {
    pub(super) fn opened() -> Self {
        Self { opened: true, ..Self::default() }
    }

    pub(super) fn null(null: NullSession) -> Self {
        Self { null: Some(null), ..Self::default() }
    }

    pub(super) fn writable(&self) -> Result<(), SessionError> {
        self.null.as_ref().map_or(Ok(()), |null| Err(SessionError::Null(null.clone())))
    }

    pub(super) fn set_modified(&mut self, modified: bool) {
        self.modified = modified;
    }
}

/// The session as a whole.
impl Dictionary {
    /// Returns why there is no session, if this is a null session.
    pub fn null_session(&self) -> Option<&NullSession> {
        self.state.null.as_ref()
    }

    /// Whether no former request left this session: nothing was opened, or it was purged.
    pub fn is_new(&self) -> bool {
        !self.state.opened
    }

    /// Whether this request changed a key, ended the session, or said so with
    /// [`set_modified`](Self::set_modified).
    pub fn is_modified(&self) -> bool {
        self.state.modified || matches!(self.state.identity, Identity::Ended) || self.is_edited()
    }

    /// Declares the session modified, or takes that back. Changed keys count all the same.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn set_modified(&mut self, modified: bool) -> Result<(), SessionError> {
        self.state.writable()?;
        self.state.modified = modified;
        Ok(())
    }

    /// Whether a handle read or wrote this session.
    pub fn is_accessed(&self) -> bool {
        self.state.accessed.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_accessed(&self) {
        self.state.accessed.store(true, Ordering::Relaxed);
    }

    /// Whether the session outlives the browser session: its key `_permanent` as in Flask, or for
    /// a new session the policy `permanent`.
    pub fn permanent(&self) -> bool {
        match self.stored(PERMANENT) {
            Some(json) => json == "true",
            None => self.is_new() && self.state.starts_permanent && self.state.null.is_none(),
        }
    }

    /// Makes the session permanent or not. In a new session that is no change by itself when it
    /// says what the policy `permanent` says already.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn set_permanent(&mut self, permanent: bool) -> Result<(), SessionError> {
        self.state.writable()?;
        if permanent != self.permanent() {
            self.set(PERMANENT, permanent.to_string().into());
        }
        Ok(())
    }

    /// Asks for a new token at the end of this request. Call it at login and wherever rights change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn renew(&mut self) -> Result<(), SessionError> {
        self.state.writable()?;
        if matches!(self.state.identity, Identity::Kept) {
            self.state.identity = Identity::Renewed;
        }
        Ok(())
    }

    /// Ends the session. What is written after it starts a new one.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn purge(&mut self) -> Result<(), SessionError> {
        self.state.writable()?;
        self.entries.clear();
        self.forget_changes();
        self.state.identity = Identity::Ended;
        self.state.opened = false;
        self.state.modified = false;
        self.revision += 1;
        Ok(())
    }

    /// Returns what this request did to the session.
    pub fn change(&self) -> Change {
        match self.state.identity {
            Identity::Ended => Change::Purged,
            Identity::Renewed => Change::Renewed,
            Identity::Kept if self.is_modified() => Change::Changed,
            Identity::Kept => Change::Unchanged,
        }
    }

    /// Asks for the session to be saved with this response though nothing changed: its token was
    /// signed with a former key, say, or its idle time should start anew.
    pub fn request_refresh(&mut self) {
        self.state.refresh = true;
    }

    /// Whether [`request_refresh`](Self::request_refresh) was called.
    pub fn wants_refresh(&self) -> bool {
        self.state.refresh
    }

    /// Returns when the session began, in whole seconds, where the payload says so.
    pub fn started(&self) -> Option<SystemTime> {
        let seconds = self.stored(STARTED)?.parse().ok()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    /// Notes when the session began. Kept beside the keys, shown by none of their accessors.
    pub fn set_started(&mut self, started: SystemTime) {
        let seconds = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.put(STARTED, seconds.to_string().into());
    }

    pub(crate) fn start_permanent(&mut self, permanent: bool) {
        self.state.starts_permanent = permanent;
    }

    /// Writes down what a new session takes from its policies, once it is known to be saved:
    /// that it is permanent, and when it `started` if that is to be remembered.
    pub(crate) fn settle(&mut self, started: Option<SystemTime>) {
        if !self.is_new() || self.is_empty() {
            return;
        }
        if self.state.starts_permanent && self.stored(PERMANENT).is_none() {
            self.put(PERMANENT, "true".into());
        }
        if let Some(started) = started {
            self.set_started(started);
        }
    }

    /// Whether a change of a key would be saved: bookkeeping does not count.
    pub(super) fn is_edited(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| !matches!(entry.edit, Edit::Kept) && entry.key(&self.payload) != STARTED)
    }
}
