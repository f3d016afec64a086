//! The dictionary: string keys to values, each kept as raw JSON until asked for, with the change
//! set of the request.
//!
//! One sorted list of entries over one buffer. Each entry knows the value that was opened and
//! what this request made of it: present state, rollback and *is it modified* are readings of the
//! same list. The change set is kept beside it where a backend wants to replay it.

#[cfg(feature = "import-actix-session")]
mod adopt;
mod changes;
mod entry;
mod format;
mod json;
mod payload;
mod state;
mod unnamed;

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    changes::ChangeSet,
    state::{PurgeOutcome, SessionStatus},
};
pub(crate) use self::{changes::Run, entry::same_value, format::Format, state::Adopted};
use self::{
    entry::{Edit, Entry, Key},
    payload::Payload,
    state::State,
    unnamed::Unnamed,
};
use crate::{
    codec::json_scan,
    error::{NullSession, SessionError},
};

/// The key under which a session says that it is permanent, as in Flask.
pub(crate) const PERMANENT: &str = "_permanent";
/// The key of the messages for the next page, as in Flask.
pub(crate) const FLASHES: &str = "_flashes";
/// The key of the time a session began: kept by the framework and shown to no one.
const STARTED: &str = "_started";
/// The key of when the owner logged in, in microseconds since 1970: kept by backends that can end an
/// owner's sessions, and shown to no one.
const OWNER_SINCE: &str = "_owner_since";
/// The key of whose session it is: read like any other, written by `set_owner` alone.
const OWNER: &str = "_owner";

/// The content of a session: string keys to values, and what this request did to them.
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
/// use sessions::Dictionary;
///
/// let mut dictionary = Dictionary::from_json(r#"{"visits":1}"#)?;
/// dictionary.insert("visits", &1)?;
/// assert!(!dictionary.is_modified());
/// dictionary.insert("visits", &2)?;
/// assert!(dictionary.is_modified());
/// assert_eq!(dictionary.to_json(), r#"{"visits":2}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Dictionary {
    /// Behind a pointer: futures hand a dictionary on through every layer.
    inner: Box<Inner>,
}

#[derive(Default)]
struct Inner {
    payload: Payload,
    /// Invariant: sorted by key, each key once.
    entries: Vec<Entry>,
    unnamed: Unnamed,
    /// Counts the changes, so that `update` sees one that came between its read and its write.
    revision: u64,
    /// What this request did, in its order, where the backend wants to replay it.
    changes: Option<ChangeSet>,
    format: Format,
    state: State,
}

impl Dictionary {
    /// Returns an empty dictionary: a new session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the values written and read in this format.
    pub(crate) fn in_format(mut self, format: Format) -> Self {
        self.inner.format = format;
        self
    }

    pub(crate) fn format(&self) -> Format {
        self.inner.format
    }

    /// Returns the dictionary of a null session: reads find nothing, every write is an error.
    pub fn null(null: NullSession) -> Self {
        let inner = Inner { state: State::null(null), ..Inner::default() };
        Self { inner: Box::new(inner) }
    }

    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.raw(key).map(|json| self.inner.format.decode(key, json)).transpose()
    }

    /// Returns the JSON text of the value under `key`.
    pub fn raw(&self, key: &str) -> Option<&str> {
        if is_hidden(key) { None } else { self.stored(key) }
    }

    /// Whether there is a value under `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// Returns the keys and the JSON text of their values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members().filter(|(key, _)| !is_hidden(key))
    }

    /// Returns every key that is stored, the framework's own too.
    pub(crate) fn stored_keys(&self) -> impl Iterator<Item = &str> {
        self.members().map(|(key, _)| key)
    }

    /// Returns every key that is stored with the JSON text of its value, the framework's own too.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        let Inner { payload, entries, .. } = &*self.inner;
        entries.iter().filter_map(|entry| Some((entry.key(payload), entry.value(payload)?)))
    }

    /// Returns the members whose keys no Rust string holds: each key in its quotes, escaped.
    #[cfg(feature = "flask")]
    pub(crate) fn unnamed_members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.unnamed.members(&self.inner.payload)
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none() && self.inner.unnamed.is_empty()
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
        self.insert_json(key, self.inner.format.encode(key, value)?)
    }

    /// Sets `key` to the value that this JSON text means.
    pub(crate) fn insert_json(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        self.writable(key)?;
        if !json_scan::is_value(&json) {
            let source = serde::ser::Error::custom("it nests deeper than 127 levels");
            return Err(SessionError::Encode { key: key.into(), source });
        }
        self.set(key, json);
        Ok(())
    }

    /// Removes `key`; returns whether there was a value.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, [`SessionError::ReservedKey`] for `_started`,
    /// `_owner` and `_owner_since`.
    pub fn remove(&mut self, key: &str) -> Result<bool, SessionError> {
        self.writable(key)?;
        if let Some(changes) = &mut self.inner.changes {
            changes.remove(key);
        }
        Ok(self.take_out(key))
    }

    /// Removes every key.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn clear(&mut self) -> Result<(), SessionError> {
        self.inner.state.writable()?;
        let payload = &self.inner.payload;
        if let Some(changes) = &mut self.inner.changes {
            let opened = self.inner.entries.iter().filter_map(|entry| {
                Some((entry.key(payload), entry.base?.of(payload)))
                    .filter(|(key, _)| !is_hidden(key))
            });
            changes.clear(opened);
        }
        self.inner.entries.retain_mut(|entry| {
            if is_hidden(entry.key(payload)) {
                return true;
            }
            entry.edit = Edit::Removed;
            entry.base.is_some()
        });
        self.inner.unnamed.remove();
        self.inner.revision += 1;
        Ok(())
    }

    /// Drops what this request changed. A `renew` or a `purge` stands.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn rollback(&mut self) -> Result<(), SessionError> {
        self.inner.state.writable()?;
        let payload = &self.inner.payload;
        self.inner.entries.retain_mut(|entry| {
            if is_hidden(entry.key(payload)) {
                return true;
            }
            entry.edit = Edit::Kept;
            entry.base.is_some()
        });
        self.inner.unnamed.restore();
        self.inner.state.rollback();
        self.forget_changes();
        self.inner.revision += 1;
        Ok(())
    }

    /// Returns the key that takes the most room in the payload.
    pub(crate) fn largest_key(&self) -> Option<&str> {
        self.iter().max_by_key(|(key, value)| key.len() + value.len()).map(|(key, _)| key)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.inner.revision
    }

    pub(crate) fn writable(&self, key: &str) -> Result<(), SessionError> {
        self.inner.state.writable()?;
        if is_hidden(key) || key == OWNER {
            return Err(SessionError::ReservedKey { key: key.into() });
        }
        Ok(())
    }

    /// Returns the entry of a key. Few are looked at one by one: most differ in length already.
    fn entry(&self, key: &str) -> Option<&Entry> {
        if self.inner.entries.len() > 8 {
            return self.position(key).ok().map(|at| &self.inner.entries[at]);
        }
        self.inner.entries.iter().find(|entry| entry.has_key(key, &self.inner.payload))
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.inner.entries.binary_search_by(|entry| entry.key(&self.inner.payload).cmp(key))
    }

    fn stored(&self, key: &str) -> Option<&str> {
        self.entry(key)?.value(&self.inner.payload)
    }

    fn set(&mut self, key: &str, json: String) {
        if let Some(changes) = &mut self.inner.changes {
            changes.set(key, &json);
        }
        self.put(key, json);
    }

    /// Sets a key, noting nothing.
    fn put(&mut self, key: &str, json: String) {
        let at = match self.position(key) {
            Ok(at) => at,
            Err(at) => {
                let key = Key::Owned(key.into());
                self.inner.entries.insert(at, Entry { key, base: None, edit: Edit::Set(json) });
                self.inner.revision += 1;
                return;
            }
        };
        let entry = &mut self.inner.entries[at];
        if entry.value(&self.inner.payload).is_some_and(|present| same_value(present, &json)) {
            return;
        }
        let base = entry.base.map(|span| span.of(&self.inner.payload));
        // Back to what was opened: nothing to save.
        let restored = base.is_some_and(|base| same_value(base, &json));
        entry.edit = if restored { Edit::Kept } else { Edit::Set(json) };
        self.inner.revision += 1;
    }

    /// Removes a key, noting nothing; returns whether there was a value.
    fn take_out(&mut self, key: &str) -> bool {
        let Ok(at) = self.position(key) else {
            return false;
        };
        let entry = &mut self.inner.entries[at];
        if entry.value(&self.inner.payload).is_none() {
            return false;
        }
        if entry.base.is_some() {
            entry.edit = Edit::Removed;
        } else {
            self.inner.entries.remove(at);
        }
        self.inner.revision += 1;
        true
    }
}

impl fmt::Debug for Dictionary {
    /// Shows how many keys there are, and neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("len", &self.len())
            .field("new", &self.is_new())
            .field("modified", &self.is_modified())
            .finish_non_exhaustive()
    }
}

/// The value of a key.
impl Format {
    pub(crate) fn decode<T: DeserializeOwned>(
        self,
        key: &str,
        json: &str,
    ) -> Result<T, SessionError> {
        self.read(PhantomData, json)
            .map_err(|source| SessionError::Decode { key: key.into(), source })
    }

    pub(crate) fn encode<T: Serialize + ?Sized>(
        self,
        key: &str,
        value: &T,
    ) -> Result<String, SessionError> {
        self.write(value).map_err(|source| SessionError::Encode { key: key.into(), source })
    }
}

fn is_hidden(key: &str) -> bool {
    key == STARTED || key == OWNER_SINCE
}
