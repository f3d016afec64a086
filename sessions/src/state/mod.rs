//! The session object: the dictionary of a session, and what a session is besides its keys.

mod extensions;
mod lifecycle;
mod login;
mod meta;
#[cfg(feature = "import-actix-session")]
mod takeover;

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::meta::Adopted;
use self::meta::SessionMeta;
pub use self::{
    extensions::Extensions,
    meta::{PurgeOutcome, SessionStatus},
};
use crate::{
    dictionary::{ChangeSet, Dictionary, Format, Replay},
    error::{DecodeError, NullSession, SessionError},
};

/// The key under which a session says that it is permanent, as in Flask.
const PERMANENT: &str = "_permanent";
/// The key of the time a session began: kept by the framework, shown by no accessor.
const STARTED: &str = "_started";
/// The key of when the owner logged in, in microseconds since 1970: kept by backends that can end an
/// owner's sessions, shown by no accessor.
const OWNER_SINCE: &str = "_owner_since";
/// The key of whose session it is: read like any other, written by `set_owner` alone.
const OWNER: &str = "_owner";

/// The session object that most interfaces use: string keys to values, and whether the session is
/// new, permanent, renewed, purged or somebody's.
///
/// Handlers use it through [`Session`](crate::Session); interfaces and backends make it in `open`
/// and read it in `save`. Nothing here marks the session as accessed: the handle does.
///
/// Values stay JSON text until they are asked for. A change that leaves a value equal to the one
/// before is no change.
///
/// # Examples
///
/// ```
/// use sessions::SessionState;
///
/// let mut state = SessionState::from_json(r#"{"visits":1}"#)?;
/// state.insert("visits", &1)?;
/// assert!(!state.is_modified());
/// state.insert("visits", &2)?;
/// assert!(state.is_modified());
/// assert_eq!(state.to_json(), r#"{"visits":2}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct SessionState {
    /// Behind a pointer: futures hand a session on through every layer.
    inner: Box<Inner>,
}

#[derive(Default)]
struct Inner {
    dictionary: Dictionary,
    meta: SessionMeta,
}

/// Opening and saving.
impl SessionState {
    /// Returns an empty state: a new session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the state of a null session: reads find nothing, every write is an error.
    pub fn null(null: NullSession) -> Self {
        Self::with(Dictionary::default(), SessionMeta::null(null))
    }

    /// Returns the session that was saved as this JSON object.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the text is not one JSON object, nests deeper than 127 levels inside a
    /// value, or is 4 GiB long.
    pub fn from_json(json: impl Into<String>) -> Result<Self, DecodeError> {
        Ok(Self::with(Dictionary::from_json(json)?, SessionMeta::opened()))
    }

    /// As [`from_json`](Self::from_json), for a text that others hold as well.
    pub(crate) fn from_shared(json: Arc<str>) -> Result<Self, DecodeError> {
        Ok(Self::with(Dictionary::from_shared(json)?, SessionMeta::opened()))
    }

    fn with(dictionary: Dictionary, meta: SessionMeta) -> Self {
        Self { inner: Box::new(Inner { dictionary, meta }) }
    }

    /// Returns the present state as a JSON object, keys sorted by code point, without white space
    /// between members.
    pub fn to_json(&self) -> String {
        self.inner.dictionary.to_json()
    }

    /// Has the values written and read in this format.
    pub(crate) fn in_format(mut self, format: Format) -> Self {
        self.inner.dictionary.set_format(format);
        self
    }

    pub(crate) fn format(&self) -> Format {
        self.inner.dictionary.format()
    }

    /// Returns the keys and values, the framework's own too.
    pub(crate) fn dictionary(&self) -> &Dictionary {
        &self.inner.dictionary
    }

    /// Returns what backends noted about this session when they opened it.
    pub fn extensions(&self) -> &Extensions {
        &self.inner.meta.extensions
    }

    /// Returns where a backend notes what it needs when it saves this session. It outlasts a
    /// [`purge`](Self::purge).
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.inner.meta.extensions
    }
}

/// Keys and values.
impl SessionState {
    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.raw(key).map(|json| self.format().decode(key, json)).transpose()
    }

    /// Returns the JSON text of the value under `key`.
    pub fn raw(&self, key: &str) -> Option<&str> {
        if is_hidden(key) { None } else { self.inner.dictionary.raw(key) }
    }

    /// Whether there is a value under `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// Returns the keys and the JSON text of their values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.dictionary.members().filter(|(key, _)| !is_hidden(key))
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none() && self.inner.dictionary.surrogate_members().next().is_none()
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, [`SessionError::Encode`] when the value cannot be
    /// written as JSON or nests deeper than 127 levels, [`SessionError::ReservedKey`] for `_started`,
    /// `_owner` and `_owner_since`.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        key: &str,
        value: &T,
    ) -> Result<(), SessionError> {
        self.insert_json(key, self.format().encode(key, value)?)
    }

    /// Sets `key` to the value that this JSON text means.
    pub(crate) fn insert_json(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        self.check_writable(key)?;
        self.inner.dictionary.insert_json(key, json)
    }

    /// Removes `key`; returns whether there was a value.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, [`SessionError::ReservedKey`] for `_started`,
    /// `_owner` and `_owner_since`.
    pub fn remove(&mut self, key: &str) -> Result<bool, SessionError> {
        self.check_writable(key)?;
        Ok(self.inner.dictionary.remove(key))
    }

    /// Removes every key.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn clear(&mut self) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        self.inner.dictionary.clear(is_hidden);
        Ok(())
    }

    /// Returns the key that takes the most room in the payload.
    pub(crate) fn largest_key(&self) -> Option<&str> {
        self.iter().max_by_key(|(key, value)| key.len() + value.len()).map(|(key, _)| key)
    }

    /// Fails where a handler cannot write this key.
    pub(crate) fn check_writable(&self, key: &str) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        if is_hidden(key) || key == OWNER {
            return Err(SessionError::ReservedKey { key: key.into() });
        }
        Ok(())
    }
}

/// The change set.
impl SessionState {
    /// Keeps the change set from here on. For backends whose store may hold a newer state when
    /// this one is saved; others need not pay for it.
    pub fn keep_changes(&mut self) {
        self.inner.dictionary.keep_changes();
    }

    /// Returns what was done since [`keep_changes`](Self::keep_changes), if that was called.
    pub fn changes(&self) -> Option<&ChangeSet> {
        self.inner.dictionary.changes()
    }

    /// Applies the outcome of a closure that ran on the state of `revision`, and notes how to
    /// `replay` it. Returns `false`, having done nothing, when the session has changed since.
    pub(crate) fn update_at(
        &mut self,
        revision: u64,
        outcome: impl FnOnce(&mut Dictionary) -> Result<(), SessionError>,
        replay: Option<Replay>,
    ) -> Result<bool, SessionError> {
        self.inner.meta.check_writable()?;
        self.inner.dictionary.update_at(revision, outcome, replay)
    }
}

impl ChangeSet {
    /// Does the same to a newer state of the session: sets and removals as they are, closures of
    /// `update` run again, and a `clear` removes only what no other request has changed.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] when `newer` is a null session, and the errors of the closures: a
    /// value that has another type by now, for instance.
    pub fn apply_to(&self, newer: &mut SessionState) -> Result<(), SessionError> {
        newer.inner.meta.check_writable()?;
        self.replay(&mut newer.inner.dictionary)
    }
}

impl fmt::Debug for SessionState {
    /// Shows how many keys there are, and neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionState")
            .field("len", &self.len())
            .field("new", &self.is_new())
            .field("modified", &self.is_modified())
            .finish_non_exhaustive()
    }
}

fn is_hidden(key: &str) -> bool {
    key == STARTED || key == OWNER_SINCE
}
