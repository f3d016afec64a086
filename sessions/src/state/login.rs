//! The owner of a session, and the time of the login.

use std::{
    fmt, mem,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::{Adopted, LOGIN, OWNER, OWNER_SINCE, PERMANENT, STARTED, SessionState};
use crate::{dictionary::quoted, error::SessionError, store::Timestamp};

impl SessionState {
    /// Logs `owner` in: stores the owner's id and requests a new token. A session of another owner
    /// is purged first, so that no key of it survives. Each login decides again whether the session is
    /// remembered, and which timeouts it has of its own: those that this request sets by
    /// [`set_remembered`](Self::set_remembered) and [`set_lifetimes`](Self::set_lifetimes), before or after.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, and [`SessionError::TooLarge`] when the key `_owner` does
    /// not fit.
    pub fn set_owner(&mut self, owner: impl fmt::Display) -> Result<(), SessionError> {
        self.log_in(&owner.to_string(), None)
    }

    /// Logs `owner` in and stores a note about this login, which no write of keys reaches.
    ///
    /// # Errors
    ///
    /// Those of [`set_owner`](Self::set_owner), and [`SessionError::Encode`] when the note cannot be
    /// written as JSON.
    pub fn set_owner_with<N: Serialize + ?Sized>(
        &mut self,
        owner: impl fmt::Display,
        note: &N,
    ) -> Result<(), SessionError> {
        let note = self.encoder().encode(LOGIN, note)?;
        self.log_in(&owner.to_string(), Some(note))
    }

    pub(crate) fn log_in(&mut self, owner: &str, note: Option<String>) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        let chosen = self.inner.meta.chosen;
        if self.owner().is_some_and(|present| present != owner) {
            self.purge()?;
        }
        self.decide_lifetimes(chosen)?;
        let logged_in = mem::replace(&mut self.inner.meta.logs_in, true);
        self.reserve();
        let mut keys = vec![(OWNER.into(), Some(quoted(owner)))];
        if note.is_some() || self.inner.dictionary.raw(LOGIN).is_some() {
            keys.push((LOGIN.into(), note));
        }
        if let Err(err) = self.inner.dictionary.insert_all(keys) {
            self.inner.meta.logs_in = logged_in;
            return Err(err);
        }
        self.renew()
    }

    /// Replaces the note about the present login, and requests a new token: the rights of the session
    /// may depend on it.
    pub(crate) fn replace_login_note(&mut self, note: String) -> Result<(), SessionError> {
        if self.owner().is_none() {
            return self.inner.meta.check_writable().and(Err(SessionError::NoOwner));
        }
        self.write_login_note(Some(note))?;
        self.renew()
    }

    /// Replaces or removes the note about a login, without a new token.
    pub(crate) fn write_login_note(&mut self, note: Option<String>) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        match note {
            Some(note) => self.set_own(LOGIN, note),
            None => self.inner.dictionary.remove(LOGIN).map(drop),
        }
    }

    /// Returns the id that [`set_owner`](Self::set_owner) stored, or `None` without a login.
    pub fn owner(&self) -> Option<String> {
        serde_json::from_str(self.inner.dictionary.raw(OWNER)?).ok()
    }

    /// Whether this request called [`set_owner`](Self::set_owner) and saves its changes.
    pub(crate) fn logs_in(&self) -> bool {
        self.inner.meta.logs_in
    }

    /// Returns the imported login, if this request imported the session.
    pub(crate) fn adopted(&self) -> Option<Adopted> {
        self.inner.meta.adopted
    }

    /// Returns when the session started, in whole seconds, if the payload has the time.
    pub fn started(&self) -> Option<SystemTime> {
        let seconds = self.inner.dictionary.raw(STARTED)?.parse().ok()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    /// Stores when the session started. No accessor of keys shows it.
    pub fn set_started(&mut self, started: SystemTime) {
        let seconds = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.inner.dictionary.set_untracked(STARTED, seconds.to_string());
    }

    /// Writes the framework's own keys before the session is saved: that a new one is permanent,
    /// and its start, which is `now` for a login and, if `stores_start`, for a new session. A login
    /// restarts the session (NIST SP 800-63B-4, 5.2).
    pub(crate) fn finalize(&mut self, now: impl FnOnce() -> SystemTime, stores_start: bool) {
        let logs_in = self.logs_in();
        // What is limited from its start has one.
        let lacks_start = self.chose_lifetimes() && self.inner.dictionary.raw(STARTED).is_none();
        if !self.is_new() && !logs_in && !lacks_start || self.is_empty() {
            return;
        }
        let starts_permanent = self.is_new() && self.inner.meta.starts_permanent;
        if starts_permanent && self.inner.dictionary.raw(PERMANENT).is_none() {
            self.inner.dictionary.set_untracked(PERMANENT, "true".into());
        }
        if logs_in || lacks_start || self.is_new() && stores_start {
            self.set_started(now());
        }
    }

    /// Restarts the login at this time and requests that the session is saved.
    pub(crate) fn begin_again(&mut self, since: Timestamp) {
        self.set_owner_since(since);
        self.request_refresh();
    }

    /// Returns this session with the time of its login.
    pub(crate) fn with_owner_since(&self, since: Timestamp) -> Self {
        let mut dated = Self::new().in_format(self.format());
        dated.inner.dictionary.replace_opened(&self.inner.dictionary);
        dated.set_owner_since(since);
        dated
    }

    /// Returns when the owner logged in: in microseconds, or the start of the session in whole
    /// seconds.
    pub(crate) fn owner_since(&self) -> Timestamp {
        let dictionary = &self.inner.dictionary;
        let stored = dictionary.raw(OWNER_SINCE).and_then(|micros| micros.parse().ok());
        let started = || dictionary.raw(STARTED)?.parse::<u64>().ok()?.checked_mul(1_000_000);
        Timestamp::new(stored.or_else(started).unwrap_or_default())
    }

    pub(super) fn set_owner_since(&mut self, since: Timestamp) {
        self.inner.dictionary.set_untracked(OWNER_SINCE, since.get().to_string());
    }
}
