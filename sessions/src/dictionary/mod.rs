//! The dictionary: string keys to values, each kept as raw JSON until asked for, with the change
//! set of the request. It knows nothing of logins, lifetimes or cookies.
//!
//! One sorted list of entries over one buffer. Each entry knows the value that was opened and the
//! edit of this request: present state, rollback and *is it modified* are readings of the same
//! list. The change set is kept beside it where a backend replays it.

mod changes;
mod entry;
mod format;
mod json;
mod payload;
mod surrogate_keys;

use serde::de::DeserializeOwned;

pub use self::changes::ChangeSet;
pub(crate) use self::{changes::Replay, entry::same_value, format::Format, json::quoted};
use self::{
    entry::{Edit, Entry, Key},
    payload::Payload,
    surrogate_keys::SurrogateKeys,
};
use crate::{codec::json_scan, error::SessionError};

/// String keys to the JSON text of their values, and what this request did to them.
#[derive(Default)]
pub(crate) struct Dictionary {
    payload: Payload,
    /// Invariant: sorted by key, each key once.
    entries: Vec<Entry>,
    surrogate_keys: SurrogateKeys,
    /// Counts the changes, so that `update` sees one that came between its read and its write.
    revision: u64,
    /// What this request did, in its order, where the backend replays it.
    changes: Option<ChangeSet>,
    format: Format,
}

impl Dictionary {
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Has the values written and read in this format.
    pub(crate) fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value is no `T`.
    pub(crate) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.raw(key).map(|json| self.format.decode(key, json)).transpose()
    }

    /// Returns the JSON text of the value under `key`.
    pub(crate) fn raw(&self, key: &str) -> Option<&str> {
        self.entry(key)?.value(&self.payload)
    }

    /// Returns the keys and the JSON text of their values, sorted by key.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        let Self { payload, entries, .. } = self;
        entries.iter().filter_map(|entry| Some((entry.key(payload), entry.value(payload)?)))
    }

    /// Returns the members whose keys no Rust string holds: each key in its quotes, escaped.
    pub(crate) fn surrogate_members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.surrogate_keys.members(&self.payload)
    }

    /// Sets `key` to the value that this JSON text means.
    ///
    /// # Errors
    ///
    /// [`SessionError::Encode`] when it nests too deep to be read again.
    pub(crate) fn insert_json(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        if !json_scan::is_value(&json) {
            let source = serde::ser::Error::custom("it nests deeper than 127 levels");
            return Err(SessionError::Encode { key: key.into(), source });
        }
        self.set(key, json);
        Ok(())
    }

    /// Sets `key` to a JSON text that is known to be one value.
    pub(crate) fn set(&mut self, key: &str, json: String) {
        if let Some(changes) = &mut self.changes {
            changes.set(key, &json);
        }
        self.put(key, json);
    }

    /// Removes `key`; returns whether there was a value.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        if let Some(changes) = &mut self.changes {
            changes.remove(key);
        }
        self.take_out(key)
    }

    /// Removes every key but those that are to be kept.
    pub(crate) fn clear(&mut self, keep: impl Fn(&str) -> bool) {
        let payload = &self.payload;
        if let Some(changes) = &mut self.changes {
            let opened = self.entries.iter().filter_map(|entry| {
                Some((entry.key(payload), entry.base?.of(payload))).filter(|(key, _)| !keep(key))
            });
            changes.clear(opened);
        }
        self.entries.retain_mut(|entry| {
            if keep(entry.key(payload)) {
                return true;
            }
            entry.edit = Edit::Removed;
            entry.base.is_some()
        });
        self.surrogate_keys.remove();
        self.revision += 1;
    }

    /// Drops the edits of this request but those of keys that are to be kept.
    pub(crate) fn rollback(&mut self, keep: impl Fn(&str) -> bool) {
        let payload = &self.payload;
        self.entries.retain_mut(|entry| {
            if keep(entry.key(payload)) {
                return true;
            }
            entry.edit = Edit::Kept;
            entry.base.is_some()
        });
        self.surrogate_keys.restore();
        self.discard_changes();
        self.revision += 1;
    }

    /// Empties the dictionary as if nothing had been opened.
    pub(crate) fn reset(&mut self) {
        self.entries.clear();
        self.surrogate_keys.reset();
        self.discard_changes();
        self.revision += 1;
    }

    /// Makes this the dictionary that was opened with the members of another one.
    #[cfg(feature = "import-actix-session")]
    pub(crate) fn replace_opened(&mut self, other: &Self) {
        let opened = Self::from_json(other.to_json()).expect("it reads what it writes");
        self.payload = opened.payload;
        self.entries = opened.entries;
        self.revision += 1;
        self.discard_changes();
    }

    /// Whether this request edited a key other than those that are passed over.
    pub(crate) fn is_edited(&self, pass_over: impl Fn(&str) -> bool) -> bool {
        let is_edited = |entry: &Entry| {
            !matches!(entry.edit, Edit::Kept) && !pass_over(entry.key(&self.payload))
        };
        self.entries.iter().any(is_edited) || self.surrogate_keys.is_edited()
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Sets a key that the change set does not replay.
    pub(crate) fn put(&mut self, key: &str, json: String) {
        let at = match self.position(key) {
            Ok(at) => at,
            Err(at) => {
                let key = Key::Owned(key.into());
                self.entries.insert(at, Entry { key, base: None, edit: Edit::Set(json) });
                self.revision += 1;
                return;
            }
        };
        let entry = &mut self.entries[at];
        if entry.value(&self.payload).is_some_and(|present| same_value(present, &json)) {
            return;
        }
        let base = entry.base.map(|span| span.of(&self.payload));
        // Back to what was opened: nothing to save.
        let restored = base.is_some_and(|base| same_value(base, &json));
        entry.edit = if restored { Edit::Kept } else { Edit::Set(json) };
        self.revision += 1;
    }

    /// Removes a key without a step in the change set; returns whether there was a value.
    fn take_out(&mut self, key: &str) -> bool {
        let Ok(at) = self.position(key) else {
            return false;
        };
        let entry = &mut self.entries[at];
        if entry.value(&self.payload).is_none() {
            return false;
        }
        if entry.base.is_some() {
            entry.edit = Edit::Removed;
        } else {
            self.entries.remove(at);
        }
        self.revision += 1;
        true
    }

    /// Returns the entry of a key. Few are looked at one by one: most differ in length already.
    fn entry(&self, key: &str) -> Option<&Entry> {
        if self.entries.len() > 8 {
            return self.position(key).ok().map(|at| &self.entries[at]);
        }
        self.entries.iter().find(|entry| entry.has_key(key, &self.payload))
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.key(&self.payload).cmp(key))
    }
}
