//! The dictionary: keys with values that stay JSON text until they are read, and the change set of
//! the request. It knows nothing of logins, lifetimes or cookies.
//!
//! A sorted list of entries refers to one buffer: the opened members, each with the edit of this
//! request. Keys that were not opened are in a map beside it. The current value, a rollback and
//! `is_edited` all come from these two. The change set is separate, and recorded only if a backend
//! replays it.

mod added;
mod changes;
mod encoder;
mod entry;
mod format;
mod json;
mod key_filter;
mod limits;
mod member;
mod payload;
mod step;
mod surrogate_keys;
mod text;
mod undo;

use std::mem;

pub use self::changes::ChangeSet;
#[cfg(feature = "flask")]
pub(crate) use self::json::{Origin, WrittenKey};
use self::{
    added::{Added, AddedMembers},
    entry::{Edit, Entry},
    key_filter::KeyFilter,
    limits::{Size, member_len},
    payload::Payload,
    surrogate_keys::SurrogateKeys,
    undo::UndoLog,
};
pub(crate) use self::{
    changes::Discarded, encoder::Encoder, format::Format, json::quoted, limits::Limits,
    member::Member, step::Replay, text::JsonText,
};
pub(crate) use crate::codec::same_value;
use crate::{
    codec::json_scan,
    error::{SessionError, ValueError},
};

/// Keys with the JSON text of their values, and the edits of this request.
#[derive(Default)]
pub(crate) struct Dictionary {
    payload: Payload,
    /// The opened members.
    ///
    /// Invariant: sorted by key, each key once.
    entries: Vec<Entry>,
    /// Members that were not opened.
    ///
    /// Invariant: no key of an entry.
    added: AddedMembers,
    /// Invariant: has every key of an entry and every added key.
    filter: KeyFilter,
    surrogate_keys: SurrogateKeys,
    /// Counts the changes, so that `update` detects one between its read and its write.
    revision: u64,
    /// The changes of this request in order, if the backend replays them.
    changes: Option<ChangeSet>,
    format: Format,
    size: Size,
    limits: Limits,
    /// Bytes that the framework adds when the session is saved.
    reserved: usize,
    /// How much this request has written, in bytes.
    spent: usize,
    /// The outcome of an update is being written.
    is_updating: bool,
    undo_log: Option<UndoLog>,
}

impl Dictionary {
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Returns what writes values in this format and within the limits.
    pub(crate) fn encoder(&self) -> Encoder {
        Encoder::new(self.format, self.limits)
    }

    /// Sets the format in which values are written and read.
    pub(crate) fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// Returns the JSON text of the value under `key`.
    #[inline]
    pub(crate) fn raw(&self, key: &str) -> Option<&str> {
        if self.filter.may_have(key.as_bytes()) { self.find(key) } else { None }
    }

    fn find(&self, key: &str) -> Option<&str> {
        match self.entry(key) {
            Some(entry) => entry.value(&self.payload),
            None => self.added.get(key).map(|added| added.member.value()),
        }
    }

    /// Returns the keys and the JSON text of their values, sorted by key.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.present().map(|member| (member.key, member.value))
    }

    /// Whether there is a member for whose key `is_meant` returns `true`, or one with surrogates in its key.
    pub(crate) fn has_any(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        let is_there = |entry: &Entry| {
            !matches!(entry.edit, Edit::Removed) && is_meant(entry.key(&self.payload))
        };
        self.entries.iter().any(is_there)
            || self.added.has_any(&is_meant)
            || self.surrogate_members().next().is_some()
    }

    /// Returns how many members there are, those with surrogates in their keys included.
    pub(crate) fn len(&self) -> usize {
        self.size.members
    }

    /// Returns the length of the JSON object.
    pub(crate) fn json_len(&self) -> usize {
        self.size.json_len()
    }

    /// Returns the length of the payload that was opened.
    pub(crate) fn opened_len(&self) -> usize {
        self.payload.len()
    }

    /// Returns the members whose keys are not valid Rust strings: each key in its quotes, escaped.
    pub(crate) fn surrogate_members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.surrogate_keys.members(&self.payload)
    }

    /// Sets `key` to the value of this JSON text.
    ///
    /// # Errors
    ///
    /// [`SessionError::Encode`] when it nests too deep to be read again, and
    /// [`SessionError::TooLarge`].
    pub(crate) fn insert_json(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        self.check_write(key, &json)?;
        if let Some(changes) = &mut self.changes {
            changes.set(key, &json);
        }
        self.set_untracked(key, json);
        Ok(())
    }

    /// Sets `key` to the value of this member, which is its own.
    ///
    /// # Errors
    ///
    /// Those of [`insert_json`](Self::insert_json).
    pub(crate) fn insert(&mut self, key: &str, member: Member) -> Result<(), SessionError> {
        self.check_write(key, member.value())?;
        if let Some(changes) = &mut self.changes {
            changes.set(key, member.value());
        }
        match self.position(key) {
            Ok(at) => self.set_opened(at, member.into_value()),
            Err(_) => self.set_added(key, member),
        }
        Ok(())
    }

    /// Sets `key` to the value of this JSON text, which it keeps on a newer state that has none.
    ///
    /// # Errors
    ///
    /// Those of [`insert_json`](Self::insert_json).
    pub(crate) fn insert_first(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        self.check_write(key, &json)?;
        if let Some(changes) = &mut self.changes {
            changes.set_if_absent(key, &json);
        }
        self.set_untracked(key, json);
        Ok(())
    }

    /// Sets these keys, or removes those without a value: all of them, or none.
    ///
    /// # Errors
    ///
    /// Those of [`insert_json`](Self::insert_json).
    pub(crate) fn insert_all(
        &mut self,
        changes: impl IntoIterator<Item = (Box<str>, Option<String>)>,
    ) -> Result<(), SessionError> {
        let changes: Vec<_> = changes.into_iter().collect();
        let texts = || changes.iter().map(|(key, json)| (&**key, json.as_deref()));
        texts().try_for_each(|(key, json)| json.map_or(Ok(()), |json| check_depth(key, json)))?;
        self.check_size(texts())?;
        for (key, json) in texts() {
            self.spend(key, json.map_or(0, str::len))?;
        }
        for (key, json) in changes {
            if let Some(recorded) = &mut self.changes {
                match &json {
                    Some(json) => recorded.set(&key, json),
                    None => recorded.remove(&key),
                }
            }
            match json {
                Some(json) => self.set_untracked(&key, json),
                None => _ = self.remove_untracked(&key),
            }
        }
        Ok(())
    }

    /// Appends an element, a JSON text, to the list under `key`, in little time however long the list
    /// is. Returns `false` when the value is not a list.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`].
    pub(crate) fn append(
        &mut self,
        key: &str,
        element: &str,
        replay: Replay,
    ) -> Result<bool, SessionError> {
        let longer = "[],".len() + element.len();
        let new_len = self.raw(key).map_or(0, str::len) + longer;
        self.check_growth(key, new_len)?;
        self.spend(key, element.len())?;
        let is_list = self.append_untracked(key, element);
        if let (true, Some(changes)) = (is_list, &mut self.changes) {
            changes.push_replay(Some(key.into()), replay);
        }
        Ok(is_list)
    }

    /// Like [`append`](Self::append), without recording it in the change set, whatever the limits.
    pub(crate) fn append_untracked(&mut self, key: &str, element: &str) -> bool {
        let Some(present) = self.raw(key) else {
            self.set_untracked(key, format!("[{element}]"));
            return true;
        };
        let Some(end) = list_end(present) else { return false };
        let comma = if is_empty_list(present) { "" } else { "," };
        let tail = format!("{comma}{element}]");
        let mut grown = None;
        self.change_own_value(key, |text, value_at| {
            let before = text.len();
            text.truncate(value_at + end);
            text.push_str(&tail);
            grown = Some((before, text.len()));
        });
        if let Some((before, after)) = grown {
            self.size.bytes = self.size.bytes + after - before;
            self.revision += 1;
            return true;
        }
        let list = self.raw(key).map(|present| format!("{}{tail}", &present[..end]));
        match (self.position(key), list) {
            (Ok(at), Some(list)) => self.edit(at, Edit::Set(list)),
            (Err(_), Some(list)) => self.set_added(key, Member::new(key, &list)),
            (_, None) => {}
        }
        true
    }

    /// Changes the value that this request set in its place: the text from the given byte on. Does nothing
    /// while changes are made on trial, which replace values.
    fn change_own_value(&mut self, key: &str, change: impl FnOnce(&mut String, usize)) {
        if self.undo_log.is_some() {
            return;
        }
        match self.position(key) {
            Ok(at) => {
                if let Edit::Set(json) = &mut self.entries[at].edit {
                    change(json, 0);
                }
            }
            Err(_) => {
                if let Some(added) = self.added.get_mut(key) {
                    added.member.change_value(change);
                }
            }
        }
    }

    fn check_write(&mut self, key: &str, json: &str) -> Result<(), SessionError> {
        check_depth(key, json)?;
        self.check_growth(key, json.len())?;
        self.spend(key, json.len())
    }

    /// Removes `key`; returns whether there was a value.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`] when the request has written too much.
    pub(crate) fn remove(&mut self, key: &str) -> Result<bool, SessionError> {
        self.spend(key, 0)?;
        if let Some(changes) = &mut self.changes {
            changes.remove(key);
        }
        Ok(self.remove_untracked(key))
    }

    /// Removes `key` and its value, which a newer state must have too.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`] when the request has written too much.
    pub(crate) fn take(&mut self, key: &str) -> Result<(), SessionError> {
        self.spend(key, self.raw(key).map_or(0, str::len))?;
        let mut changes = self.changes.take();
        if let (Some(changes), Some(json)) = (&mut changes, self.raw(key)) {
            changes.take(key, json);
        }
        self.changes = changes;
        self.remove_untracked(key);
        Ok(())
    }

    /// Removes every key except those for which `keep` returns `true`.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`] when the request has written too much.
    pub(crate) fn clear(&mut self, keep: impl Fn(&str) -> bool) -> Result<(), SessionError> {
        self.spend_visit()?;
        let payload = &self.payload;
        if let Some(changes) = &mut self.changes {
            let opened =
                self.entries.iter().map(|entry| (entry.key(payload), entry.base.of(payload)));
            changes.clear(|| opened.filter(|(key, _)| !keep(key)));
        }
        for entry in &mut self.entries {
            if !keep(entry.key(payload)) {
                entry.edit = Edit::Removed;
            }
        }
        self.added.retain(&keep);
        self.surrogate_keys.remove();
        self.touch();
        Ok(())
    }

    /// Discards the edits of this request, except those of keys for which `keep` returns `true`.
    pub(crate) fn rollback(&mut self, keep: impl Fn(&str) -> bool) {
        for entry in &mut self.entries {
            if !keep(entry.key(&self.payload)) {
                entry.edit = Edit::Kept;
            }
        }
        self.added.retain(keep);
        self.surrogate_keys.restore();
        self.discard_changes();
        self.touch();
    }

    /// Drops all members, including the opened ones. The conditions of the changes stay.
    pub(crate) fn reset(&mut self) {
        let payload = &self.payload;
        if let Some(changes) = &mut self.changes {
            let opened =
                self.entries.iter().map(|entry| (entry.key(payload), entry.base.of(payload)));
            changes.undo(|| opened);
        }
        self.entries.clear();
        self.added.clear();
        self.filter = KeyFilter::default();
        self.surrogate_keys.reset();
        self.touch();
    }

    /// Replaces the opened members by those of `other`.
    pub(crate) fn replace_opened(&mut self, other: &Self) {
        let opened = Self::from_json(other.to_json()).expect("a dictionary reads what it writes");
        self.payload = opened.payload;
        self.entries = opened.entries;
        self.filter = opened.filter;
        self.surrogate_keys = opened.surrogate_keys;
        self.added.clear();
        self.discard_changes();
        self.touch();
    }

    /// Notes that the members changed in a way that is not counted as it happens.
    fn touch(&mut self) {
        self.revision += 1;
        self.measure();
    }

    fn measure(&mut self) {
        let Self { payload, entries, added, .. } = self;
        let opened = entries.iter().filter_map(|entry| entry.len(payload));
        let added = added.iter().map(|(_, added)| added.len());
        let surrogates = self.surrogate_keys.members(payload);
        let surrogates = surrogates.map(|(key, json)| member_len(key.len(), json.len()));
        let mut size = Size::default();
        opened.chain(added).chain(surrogates).for_each(|bytes| size.add(bytes));
        self.size = size;
    }

    /// Whether this request edited a key for which `ignore` returns `false`.
    pub(crate) fn is_edited(&self, ignore: impl Fn(&str) -> bool) -> bool {
        let is_edited =
            |entry: &Entry| !matches!(entry.edit, Edit::Kept) && !ignore(entry.key(&self.payload));
        self.entries.iter().any(is_edited)
            || self.added.has_any(|key| !ignore(key))
            || self.surrogate_keys.is_edited()
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Sets a key without recording it in the change set, whatever the limits.
    pub(crate) fn set_untracked(&mut self, key: &str, json: String) {
        match self.position(key) {
            Ok(at) => self.set_opened(at, json),
            Err(_) => self.set_added(key, Member::new(key, &json)),
        }
    }

    fn set_opened(&mut self, at: usize, json: String) {
        let entry = &mut self.entries[at];
        if entry.value(&self.payload).is_some_and(|present| same_value(present, &json)) {
            return;
        }
        // The opened value again is not an edit.
        let restored = same_value(entry.base.of(&self.payload), &json);
        self.edit(at, if restored { Edit::Kept } else { Edit::Set(json) });
    }

    fn set_added(&mut self, key: &str, member: Member) {
        if self.filter.may_have(key.as_bytes()) && self.added.get(key).is_some() {
            return self.replace_added(key, member);
        }
        let added = Added::new(key, member, self.revision);
        self.size.add(added.len());
        self.filter.add(key.as_bytes());
        self.added.insert(added);
        if let Some(log) = &mut self.undo_log {
            log.note_added(key, None);
        }
        self.revision += 1;
    }

    #[cold]
    fn replace_added(&mut self, key: &str, member: Member) {
        let Some(present) = self.added.get_mut(key) else { return };
        if same_value(present.member.value(), member.value()) {
            return;
        }
        self.size.subtract(present.len());
        let before = present.replace(member);
        self.size.add(present.len());
        if let Some(log) = &mut self.undo_log {
            log.note_added(key, Some(before));
        }
        self.revision += 1;
    }

    /// Removes a key without recording it in the change set; returns whether there was a value.
    pub(crate) fn remove_untracked(&mut self, key: &str) -> bool {
        if let Ok(at) = self.position(key) {
            let is_present = self.entries[at].value(&self.payload).is_some();
            if is_present {
                self.edit(at, Edit::Removed);
            }
            return is_present;
        }
        let Some(added) = self.added.remove(key) else { return false };
        self.size.subtract(added.len());
        if let Some(log) = &mut self.undo_log {
            log.note_added(key, Some(added));
        }
        self.revision += 1;
        true
    }

    fn edit(&mut self, at: usize, edit: Edit) {
        let entry = &mut self.entries[at];
        if let Some(before) = entry.len(&self.payload) {
            self.size.subtract(before);
        }
        let former = mem::replace(&mut entry.edit, edit);
        if let Some(after) = entry.len(&self.payload) {
            self.size.add(after);
        }
        if let Some(log) = &mut self.undo_log {
            log.note_opened(at, former);
        }
        self.revision += 1;
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
    if json_scan::is_value(json) { Ok(()) } else { Err(too_deep(key)) }
}

#[cold]
fn too_deep(key: &str) -> SessionError {
    let source = ValueError::new("it nests deeper than 127 levels; flatten it");
    SessionError::Encode { key: key.into(), source }
}

/// Returns where the closing bracket of a list is.
fn list_end(json: &str) -> Option<usize> {
    let trimmed = json.trim_end();
    (json.trim_start().starts_with('[') && trimmed.ends_with(']')).then(|| trimmed.len() - 1)
}

fn is_empty_list(json: &str) -> bool {
    json.trim().strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]")
}
