//! Setting and removing members.

use std::mem;

use super::{Dictionary, added::Added, entry::Edit, member::Member, same_value};
use crate::{
    codec::json_scan,
    error::{SessionError, ValueError},
};

/// # Setting and removing members
impl Dictionary {
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

    /// Sets `key` to the value of this member, which an encoder wrote for the same key. The text of another program
    /// is for [`insert_json`](Self::insert_json), which checks scalars too.
    ///
    /// # Errors
    ///
    /// Those of [`insert_json`](Self::insert_json).
    pub(crate) fn insert(&mut self, key: &str, member: Member) -> Result<(), SessionError> {
        let json = member.value();
        if !json_scan::is_plain_scalar(json) {
            check_value(key, json)?;
        }
        self.check_room(key, json)?;
        if let Some(changes) = &mut self.changes {
            changes.set(key, json);
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
        texts().try_for_each(|(key, json)| json.map_or(Ok(()), |json| check_value(key, json)))?;
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

    fn check_write(&mut self, key: &str, json: &str) -> Result<(), SessionError> {
        check_value(key, json)?;
        self.check_room(key, json)
    }

    fn check_room(&mut self, key: &str, json: &str) -> Result<(), SessionError> {
        self.check_growth(key, json.len())?;
        self.spend(key, json.len())
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

    pub(super) fn set_added(&mut self, key: &str, member: Member) {
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

    pub(super) fn edit(&mut self, at: usize, edit: Edit) {
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
}

/// Fails when a value nests too deep to be read again, or is not one value: `serde_json` closes a list or an object
/// whose `Serialize` announces no elements, and writes the elements behind it.
fn check_value(key: &str, json: &str) -> Result<(), SessionError> {
    if json_scan::is_value(json) { Ok(()) } else { Err(not_one_value(key)) }
}

#[cold]
fn not_one_value(key: &str) -> SessionError {
    let source = ValueError::new(
        "it nests deeper than 127 levels, or its `Serialize` announces no elements and writes some; flatten it, or \
         correct its `Serialize`",
    );
    SessionError::Encode { key: key.into(), source }
}
