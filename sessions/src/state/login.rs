//! Whose session it is, and since when.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Adopted, OWNER, OWNER_SINCE, PERMANENT, STARTED, SessionState};
use crate::{dictionary::quoted, error::SessionError, store::Timestamp};

impl SessionState {
    /// Logs `owner` in: the session is theirs from here on, and gets a new token. The session of
    /// another owner ends first, so that nothing of it comes along.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn set_owner(&mut self, owner: impl fmt::Display) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        let owner = owner.to_string();
        if self.owner().is_some_and(|present| present != owner) {
            self.purge()?;
        }
        self.renew()?;
        self.inner.dictionary.set(OWNER, quoted(&owner));
        self.inner.meta.logs_in = true;
        Ok(())
    }

    /// Returns whose session it is, if somebody logged in: the id that
    /// [`set_owner`](Self::set_owner) was given.
    pub fn owner(&self) -> Option<String> {
        serde_json::from_str(self.inner.dictionary.raw(OWNER)?).ok()
    }

    /// Whether this request called [`set_owner`](Self::set_owner), and its changes are to be saved.
    pub(crate) fn logs_in(&self) -> bool {
        self.inner.meta.logs_in
    }

    /// Returns since when the session is its owner's, if this request took it over from elsewhere.
    pub(crate) fn adopted(&self) -> Option<Adopted> {
        self.inner.meta.adopted
    }

    /// Returns when the session began, in whole seconds, where the payload says so.
    pub fn started(&self) -> Option<SystemTime> {
        let seconds = self.inner.dictionary.raw(STARTED)?.parse().ok()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    /// Notes when the session began. Kept beside the keys, shown by none of their accessors.
    pub fn set_started(&mut self, started: SystemTime) {
        let seconds = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.inner.dictionary.put(STARTED, seconds.to_string());
    }

    /// Writes down what a session takes from its policies, once it is known to be saved: that a
    /// new one is permanent, and that it started `now`, where the start is to be `remembered`. A
    /// login starts the session again (NIST SP 800-63B-4, 5.2).
    pub(crate) fn finalize(&mut self, now: impl FnOnce() -> SystemTime, remembered: bool) {
        let logs_in = self.logs_in();
        if !self.is_new() && !logs_in || self.is_empty() {
            return;
        }
        let starts_permanent = self.is_new() && self.inner.meta.starts_permanent;
        if starts_permanent && self.inner.dictionary.raw(PERMANENT).is_none() {
            self.inner.dictionary.put(PERMANENT, "true".into());
        }
        if logs_in || self.is_new() && remembered {
            self.set_started(now());
        }
        if let (true, Some(began)) = (logs_in, self.inner.meta.began) {
            self.set_owner_since(began);
        }
    }

    /// Has a login of this request count from this moment, before which sessions may have ended.
    pub(crate) fn stamp_logins(&mut self, began: Timestamp) {
        self.inner.meta.began = Some(began);
    }

    /// Makes the session one that its owner began at this moment, and has it saved.
    pub(crate) fn begin_again(&mut self, began: Timestamp) {
        self.stamp_logins(began);
        self.set_owner_since(began);
        self.request_refresh();
    }

    /// Returns when the owner logged in. Where only the second is known, it is its beginning.
    pub(crate) fn owner_since(&self) -> Timestamp {
        let dictionary = &self.inner.dictionary;
        let noted = dictionary.raw(OWNER_SINCE).and_then(|micros| micros.parse().ok());
        let started = || dictionary.raw(STARTED)?.parse::<u64>().ok()?.checked_mul(1_000_000);
        Timestamp::new(noted.or_else(started).unwrap_or_default())
    }

    fn set_owner_since(&mut self, since: Timestamp) {
        self.inner.dictionary.put(OWNER_SINCE, since.get().to_string());
    }
}
