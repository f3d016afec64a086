//! What a session is besides its keys: new, permanent, renewed, ended, null.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use smallvec::SmallVec;

use super::{Dictionary, Edit, Entry, OWNER, OWNER_SINCE, PERMANENT, STARTED, is_hidden};
use crate::{
    error::{NullSession, SessionError},
    store::Stamp,
};

/// What a request did to its session as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStatus {
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
    /// `set_owner` was called: whoever the owner is logs in with this request.
    logs_in: bool,
    /// When the request began, where the backend has logins note it.
    stamp: Option<Stamp>,
    /// PurgeOutcome the session ends it for every copy of its token.
    revocable: bool,
    /// The session was taken over from elsewhere.
    adopted: Option<Adopted>,
    accessed: AtomicBool,
    /// What backends noted when they opened the session: one of each type.
    attachments: SmallVec<[Arc<dyn Any + Send + Sync>; 1]>,
}

/// A session that was taken over from elsewhere, and is not saved here yet.
#[derive(Clone, Copy)]
pub(crate) struct Adopted {
    /// When its owner logged in, if that is known.
    pub(crate) since: Option<SystemTime>,
}

/// What [`purge`](Dictionary::purge) does to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeOutcome {
    /// The server ends the session when the request is answered: its token opens nothing from then
    /// on, in no copy.
    TokenRevoked,
    /// This client's cookie is removed. A copy of the cookie stays valid until its lifetime ends.
    CookieRemoved,
}

impl State {
    pub(super) fn opened() -> Self {
        Self { opened: true, ..Self::default() }
    }

    pub(super) fn null(null: NullSession) -> Self {
        Self { null: Some(null), ..Self::default() }
    }

    #[cfg(feature = "import-actix-session")]
    pub(super) fn adopt(&mut self, adopted: Adopted) {
        self.adopted = Some(adopted);
        self.opened = true;
        self.refresh = true;
    }

    pub(super) fn writable(&self) -> Result<(), SessionError> {
        self.null.as_ref().map_or(Ok(()), |null| Err(SessionError::Null(null.clone())))
    }

    /// Takes back what does not stand when the request's changes are dropped.
    pub(super) fn rollback(&mut self) {
        self.modified = false;
        self.logs_in = false;
    }
}

/// The session as a whole.
impl Dictionary {
    /// Returns why there is no session, if this is a null session.
    pub fn null_session(&self) -> Option<&NullSession> {
        self.inner.state.null.as_ref()
    }

    /// Whether no former request left this session: nothing was opened, or it was purged.
    pub fn is_new(&self) -> bool {
        !self.inner.state.opened
    }

    /// Whether this request changed a key, ended the session, or said so with
    /// [`set_modified`](Self::set_modified).
    pub fn is_modified(&self) -> bool {
        self.inner.state.modified
            || matches!(self.inner.state.identity, Identity::Ended)
            || self.is_edited()
    }

    /// Declares the session modified, or takes that back. Changed keys count all the same.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn set_modified(&mut self, modified: bool) -> Result<(), SessionError> {
        self.inner.state.writable()?;
        self.inner.state.modified = modified;
        Ok(())
    }

    /// Whether a handle read or wrote this session.
    pub fn is_accessed(&self) -> bool {
        self.inner.state.accessed.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_accessed(&self) {
        self.inner.state.accessed.store(true, Ordering::Relaxed);
    }

    /// Whether the session outlives the browser session: its key `_permanent` as in Flask, or for
    /// a new session the policy `permanent`.
    pub fn permanent(&self) -> bool {
        match self.stored(PERMANENT) {
            Some(json) => json == "true",
            None => {
                self.is_new()
                    && self.inner.state.starts_permanent
                    && self.inner.state.null.is_none()
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
        self.inner.state.writable()?;
        let is_noted = self.stored(PERMANENT).is_some() || !self.inner.format.notes_impermanence();
        if permanent != self.permanent() || !is_noted {
            self.set(PERMANENT, permanent.to_string());
        }
        Ok(())
    }

    /// Asks for a new token at the end of this request. Call it at login and wherever rights change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn renew(&mut self) -> Result<(), SessionError> {
        self.inner.state.writable()?;
        if matches!(self.inner.state.identity, Identity::Kept) {
            self.inner.state.identity = Identity::Renewed;
        }
        Ok(())
    }

    /// Ends the session. What is written after it starts a new one.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn purge(&mut self) -> Result<PurgeOutcome, SessionError> {
        self.inner.state.writable()?;
        self.inner.entries.clear();
        self.inner.unnamed.clear();
        self.forget_changes();
        self.inner.state.identity = Identity::Ended;
        self.inner.state.opened = false;
        self.inner.state.modified = false;
        self.inner.state.logs_in = false;
        self.inner.state.adopted = None;
        self.inner.revision += 1;
        Ok(if self.inner.state.revocable {
            PurgeOutcome::TokenRevoked
        } else {
            PurgeOutcome::CookieRemoved
        })
    }

    /// Logs `owner` in: the session is theirs from here on, and gets a new token. The session of
    /// another owner ends first, so that nothing of it comes along.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn set_owner(&mut self, owner: impl fmt::Display) -> Result<(), SessionError> {
        self.inner.state.writable()?;
        let owner = owner.to_string();
        if self.owner().is_some_and(|present| present != owner) {
            self.purge()?;
        }
        self.renew()?;
        self.set(OWNER, super::json::quoted(&owner));
        self.inner.state.logs_in = true;
        Ok(())
    }

    /// Returns whose session it is, if somebody logged in: the id that
    /// [`set_owner`](Self::set_owner) was given.
    pub fn owner(&self) -> Option<String> {
        serde_json::from_str(self.stored(OWNER)?).ok()
    }

    /// Returns since when the session is its owner's, if it was taken over from elsewhere with this
    /// request.
    pub(crate) fn adopted(&self) -> Option<Adopted> {
        self.inner.state.adopted
    }

    /// Whether this request called [`set_owner`](Self::set_owner), and its changes are to be saved.
    pub(crate) fn logs_in(&self) -> bool {
        self.inner.state.logs_in
    }

    /// Declares that ending this session ends it for every copy of its token, since the server
    /// keeps it or a list of those that are ended. [`purge`](Self::purge) answers accordingly.
    pub fn set_revocable(&mut self, revocable: bool) {
        self.inner.state.revocable = revocable;
    }

    /// Notes what the backend will want to know when it saves this session. It outlasts a `purge`.
    /// A backend around another one notes a type of its own; of two notes of one type the latter
    /// stays.
    pub fn attach<T: Send + Sync + 'static>(&mut self, attachment: T) {
        self.attach_shared(Arc::new(attachment));
    }

    /// As [`attach`](Self::attach), for what many sessions have in common.
    pub(crate) fn attach_shared<T: Send + Sync + 'static>(&mut self, attachment: Arc<T>) {
        self.inner.state.attachments.retain(|former| !former.is::<T>());
        self.inner.state.attachments.push(attachment);
    }

    /// Returns the `T` that was [attached](Self::attach).
    pub fn attachment<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.inner.state.attachments.iter().find_map(|attachment| attachment.downcast_ref())
    }

    /// Returns what this request did to the session.
    pub fn change(&self) -> SessionStatus {
        match self.inner.state.identity {
            Identity::Ended => SessionStatus::Purged,
            Identity::Renewed => SessionStatus::Renewed,
            Identity::Kept if self.is_modified() => SessionStatus::Changed,
            Identity::Kept => SessionStatus::Unchanged,
        }
    }

    /// Asks for the session to be saved with this response though nothing changed: its token was
    /// signed with a former key, say, or its idle time should start anew.
    pub fn request_refresh(&mut self) {
        self.inner.state.refresh = true;
    }

    /// Whether [`request_refresh`](Self::request_refresh) was called.
    pub fn wants_refresh(&self) -> bool {
        self.inner.state.refresh
    }

    /// Returns when the session began, in whole seconds, where the payload says so.
    pub fn started(&self) -> Option<SystemTime> {
        let seconds = self.stored(STARTED)?.parse().ok()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    /// Notes when the session began. Kept beside the keys, shown by none of their accessors.
    pub fn set_started(&mut self, started: SystemTime) {
        let seconds = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.put(STARTED, seconds.to_string());
    }

    pub(crate) fn start_permanent(&mut self, permanent: bool) {
        self.inner.state.starts_permanent = permanent;
    }

    /// Writes down what a session takes from its policies, once it is known to be saved: that a
    /// new one is permanent, and that it started `now`, if that is to be `remembered`. A login
    /// starts the session anew (NIST SP 800-63B-4, 5.2).
    pub(crate) fn settle(&mut self, now: impl FnOnce() -> SystemTime, remembered: bool) {
        if !self.is_new() && !self.inner.state.logs_in || self.is_empty() {
            return;
        }
        if self.is_new() && self.inner.state.starts_permanent && self.stored(PERMANENT).is_none() {
            self.put(PERMANENT, "true".into());
        }
        if self.inner.state.logs_in || self.is_new() && remembered {
            self.set_started(now());
        }
        if let (true, Some(stamp)) = (self.inner.state.logs_in, self.inner.state.stamp) {
            self.set_owner_since(stamp);
        }
    }

    /// Has a login of this request note this moment, before which sessions may have ended.
    pub(crate) fn stamp_logins(&mut self, stamp: Stamp) {
        self.inner.state.stamp = Some(stamp);
    }

    /// Makes the session one that its owner began at this moment, and has it saved.
    pub(crate) fn begin_again(&mut self, stamp: Stamp) {
        self.stamp_logins(stamp);
        self.set_owner_since(stamp);
        self.request_refresh();
    }

    /// Returns when the owner logged in. Where only the second is known, it is its beginning.
    pub(crate) fn owner_since(&self) -> Stamp {
        let noted = self.stored(OWNER_SINCE).and_then(|micros| micros.parse().ok());
        let started = || self.stored(STARTED)?.parse::<u64>().ok()?.checked_mul(1_000_000);
        Stamp::new(noted.or_else(started).unwrap_or_default())
    }

    fn set_owner_since(&mut self, stamp: Stamp) {
        self.put(OWNER_SINCE, stamp.get().to_string());
    }

    /// Whether this holds what it was opened with, the framework's own keys included.
    #[cfg(feature = "flask")]
    pub(crate) fn is_as_opened(&self) -> bool {
        let kept = |entry: &Entry| matches!(entry.edit, Edit::Kept);
        self.inner.state.opened
            && self.inner.entries.iter().all(kept)
            && !self.inner.unnamed.is_edited()
    }

    /// Whether a change of a key would be saved: bookkeeping does not count.
    pub(super) fn is_edited(&self) -> bool {
        let is_edited = |entry: &Entry| {
            !matches!(entry.edit, Edit::Kept) && !is_hidden(entry.key(&self.inner.payload))
        };
        self.inner.entries.iter().any(is_edited) || self.inner.unnamed.is_edited()
    }
}
