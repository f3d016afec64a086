//! The dictionary: keys with values that stay JSON text until they are read, and the change set of
//! the request. It knows nothing of logins, lifetimes or cookies.
//!
//! A sorted list of entries refers to one buffer: the opened members, each with the edit of this
//! request. Keys that were not opened are beside it, in a list or a map. The current value, a rollback and
//! `is_edited` all come from these two. The change set is separate, and recorded only if a backend
//! replays it.

mod added;
mod append;
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
mod write;

pub use self::changes::ChangeSet;
#[cfg(feature = "flask")]
pub(crate) use self::json::{Origin, WrittenKey};
use self::{
    added::AddedMembers,
    entry::{Edit, Entry},
    key_filter::KeyFilter,
    limits::{Size, member_len},
    surrogate_keys::SurrogateKeys,
    undo::UndoLog,
};
pub(crate) use self::{
    changes::Discarded,
    encoder::Encoder,
    format::Format,
    limits::Limits,
    member::{Member, quoted},
    payload::Payload,
    step::Replay,
    text::JsonText,
};
pub(crate) use crate::codec::same_value;
use crate::error::SessionError;

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
