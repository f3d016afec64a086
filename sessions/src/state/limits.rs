//! The limits of a session, and the room that the framework's own keys take of it.

use super::{OWNER_SINCE, PERMANENT, STARTED, SessionState};
use crate::{
    dictionary::Limits,
    error::{SessionError, SessionLimit},
};

/// The most keys of a session, where a backend sets no other limit.
pub(crate) const MAX_KEYS: usize = 8_192;

/// What the framework may write when the session is saved, as its members in the JSON.
const PERMANENT_MEMBER: usize = "\"_permanent\":true,".len();
const STARTED_MEMBER: usize = "\"_started\":1234567890,".len();
const OWNER_SINCE_MEMBER: usize = "\"_owner_since\":1234567890123456,".len();
const OWN_MEMBERS: usize = PERMANENT_MEMBER + STARTED_MEMBER + OWNER_SINCE_MEMBER;

/// What a backend writes itself when it saves a session.
#[derive(Clone, Copy, Default)]
pub(crate) struct OwnKeys {
    /// Of each new session, when it started.
    pub(crate) start: bool,
    /// Of each login, its time in microseconds.
    pub(crate) login_time: bool,
    /// The bytes of other members.
    pub(crate) others: usize,
}

/// # Limits
impl SessionState {
    /// Limits the session to so many bytes of JSON and 8,192 keys: a write that goes beyond is
    /// [`SessionError::TooLarge`]. Without this call a session has no limits.
    ///
    /// For backends: they know the limit when they open the session, and set it before a handler has the
    /// session. A session that is larger already
    /// can be read, and written as long as it does not grow.
    pub fn limit_payload(&mut self, bytes: usize) {
        let source = SessionLimit::Payload { bytes };
        self.set_limits(Limits::new(bytes, source, MAX_KEYS), OwnKeys::default());
    }

    pub(crate) fn set_limits(&mut self, limits: Limits, own_keys: OwnKeys) {
        self.inner.dictionary.set_limits(limits);
        self.inner.dictionary.reserve(0);
        self.inner.meta.own_keys = own_keys;
    }

    /// Reserves room for the framework's keys, unless there is certainly enough beside this value.
    pub(super) fn reserve_beside(&mut self, key: &str, json: &str) {
        let most = self.inner.meta.own_keys.others + OWN_MEMBERS;
        if !self.inner.dictionary.has_room(key, json.len(), most) {
            self.reserve();
        }
    }

    /// Reserves the room of what the framework will write.
    pub(super) fn reserve(&mut self) {
        let dictionary = &self.inner.dictionary;
        let OwnKeys { start, login_time, others } = self.inner.meta.own_keys;
        let lacks = |key| dictionary.raw(key).is_none();
        let mut bytes = others;
        if self.is_new() && self.inner.meta.starts_permanent && lacks(PERMANENT) {
            bytes += PERMANENT_MEMBER;
        }
        if (self.logs_in() || self.chose_lifetimes() || self.is_new() && start) && lacks(STARTED) {
            bytes += STARTED_MEMBER;
        }
        if self.logs_in() && login_time && lacks(OWNER_SINCE) {
            bytes += OWNER_SINCE_MEMBER;
        }
        self.inner.dictionary.reserve(bytes);
    }

    /// Returns the length of the session as JSON, in bytes.
    pub(crate) fn json_len(&self) -> usize {
        self.inner.dictionary.json_len()
    }

    /// Returns the length of the payload that was opened, in bytes.
    pub(crate) fn opened_len(&self) -> usize {
        self.inner.dictionary.opened_len()
    }

    /// Makes the changes so far permanent. [`revert`](Self::revert) undoes those after this call.
    pub(crate) fn checkpoint(&mut self) {
        self.inner.dictionary.checkpoint();
    }

    /// Undoes the changes to keys since the last checkpoint.
    pub(crate) fn revert(&mut self) {
        self.inner.dictionary.revert();
    }

    /// Sets a key of the framework that the application asked for.
    pub(super) fn set_own(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        self.reserve_beside(key, &json);
        self.inner.dictionary.insert_json(key, json)
    }
}
