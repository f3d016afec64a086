//! The dictionary: keys with values that stay JSON text until they are read, and the change set of
//! the request. It knows nothing of logins, lifetimes or cookies.
//!
//! One sorted list of entries refers to one buffer. Each entry has the opened value and the edit of
//! this request, so the current value, a rollback and `is_edited` all come from the same list. The
//! change set is separate, and recorded only if a backend replays it.

mod changes;
mod entry;
mod format;
mod json;
mod payload;
mod step;
mod surrogate_keys;

use serde::de::DeserializeOwned;

pub use self::changes::ChangeSet;
pub(crate) use self::{entry::same_value, format::Format, json::quoted, step::Replay};
use self::{
    entry::{Edit, Entry, Key},
    payload::Payload,
    surrogate_keys::SurrogateKeys,
};
use crate::{codec::json_scan, error::SessionError};

/// Keys with the JSON text of their values, and the edits of this request.
#[derive(Default)]
pub(crate) struct Dictionary {
    payload: Payload,
    /// Invariant: sorted by key, each key once.
    entries: Vec<Entry>,
    surrogate_keys: SurrogateKeys,
    /// Counts the changes, so that `update` detects one between its read and its write.
    revision: u64,
    /// The changes of this request in order, if the backend replays them.
    changes: Option<ChangeSet>,
    format: Format,
}

impl Dictionary {
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Sets the format in which values are written and read.
    pub(crate) fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value does not deserialise as `T`.
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

    /// Returns the members whose keys are not valid Rust strings: each key in its quotes, escaped.
    pub(crate) fn surrogate_members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.surrogate_keys.members(&self.payload)
    }

    /// Sets `key` to the value of this JSON text.
    ///
    /// # Errors
    ///
    /// [`SessionError::Encode`] when it nests too deep to be read again.
    pub(crate) fn insert_json(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        check_depth(key, &json)?;
        self.set(key, json);
        Ok(())
    }

    /// Sets `key` to a JSON text, which must be one value.
    pub(crate) fn set(&mut self, key: &str, json: String) {
        if let Some(changes) = &mut self.changes {
            changes.set(key, &json);
        }
        self.set_untracked(key, json);
    }

    /// Removes `key`; returns whether there was a value.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        if let Some(changes) = &mut self.changes {
            changes.remove(key);
        }
        self.remove_untracked(key)
    }

    /// Sets `key` to the value of this JSON text, which it keeps on a newer state that has none.
    ///
    /// # Errors
    ///
    /// Those of [`insert_json`](Self::insert_json).
    pub(crate) fn insert_first(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        check_depth(key, &json)?;
        if let Some(changes) = &mut self.changes {
            changes.set_if_absent(key, &json);
        }
        self.set_untracked(key, json);
        Ok(())
    }

    /// Removes `key` and its value, which a newer state must have too.
    pub(crate) fn take(&mut self, key: &str) {
        let changes = self.changes.take();
        self.changes = changes.map(|mut changes| {
            if let Some(json) = self.raw(key) {
                changes.take(key, json);
            }
            changes
        });
        self.remove_untracked(key);
    }

    /// Removes every key except those for which `keep` returns `true`.
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

    /// Discards the edits of this request, except those of keys for which `keep` returns `true`.
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

    /// Drops all members, including the opened ones. The conditions of the changes stay.
    pub(crate) fn reset(&mut self) {
        if let Some(changes) = self.changes.as_mut().filter(|changes| changes.is_conditional()) {
            let payload = &self.payload;
            let opened = self.entries.iter().filter_map(|entry| {
                Some((entry.key(payload).into(), entry.base?.of(payload).into()))
            });
            changes.undo(&opened.collect::<Vec<_>>());
        } else {
            self.discard_changes();
        }
        self.entries.clear();
        self.surrogate_keys.reset();
        self.revision += 1;
    }

    /// Replaces the opened members by those of `other`.
    pub(crate) fn replace_opened(&mut self, other: &Self) {
        let opened = Self::from_json(other.to_json()).expect("a dictionary reads what it writes");
        self.payload = opened.payload;
        self.entries = opened.entries;
        self.revision += 1;
        self.discard_changes();
    }

    /// Whether this request edited a key for which `ignore` returns `false`.
    pub(crate) fn is_edited(&self, ignore: impl Fn(&str) -> bool) -> bool {
        let is_edited =
            |entry: &Entry| !matches!(entry.edit, Edit::Kept) && !ignore(entry.key(&self.payload));
        self.entries.iter().any(is_edited) || self.surrogate_keys.is_edited()
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Sets a key without recording it in the change set.
    pub(crate) fn set_untracked(&mut self, key: &str, json: String) {
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
        // The opened value again is not an edit.
        let restored = base.is_some_and(|base| same_value(base, &json));
        entry.edit = if restored { Edit::Kept } else { Edit::Set(json) };
        self.revision += 1;
    }

    /// Removes a key without recording it in the change set; returns whether there was a value.
    pub(crate) fn remove_untracked(&mut self, key: &str) -> bool {
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

    /// Returns the entry of a key. A short list is searched linearly: most keys already differ in
    /// length.
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

/// Fails when a value nests too deep to be read again.
fn check_depth(key: &str, json: &str) -> Result<(), SessionError> {
    if json_scan::is_value(json) {
        return Ok(());
    }
    let source = serde::ser::Error::custom("it nests deeper than 127 levels; flatten it");
    Err(SessionError::Encode { key: key.into(), source })
}
