//! Appending to a list without writing it again.

use super::{Dictionary, Replay, entry::Edit, member::Member};
use crate::error::SessionError;

/// # Appending to lists
impl Dictionary {
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
        let changed = self.change_own_value(key, |text, value_at| {
            let before = text.len();
            text.truncate(value_at + end);
            text.push_str(&tail);
            (before, text.len())
        });
        if let Some((before, after)) = changed {
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

    /// Changes the value that this request set in its place: the text from the given byte on. `None` if it set
    /// none, and while changes are made on trial, which replace values.
    fn change_own_value<R>(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut String, usize) -> R,
    ) -> Option<R> {
        if self.undo_log.is_some() {
            return None;
        }
        match self.position(key) {
            Ok(at) => match &mut self.entries[at].edit {
                Edit::Set(json) => Some(change(json, 0)),
                Edit::Kept | Edit::Removed => None,
            },
            Err(_) => self.added.get_mut(key).map(|added| added.member.change_value(change)),
        }
    }
}

/// Returns where the closing bracket of a list is.
fn list_end(json: &str) -> Option<usize> {
    let trimmed = json.trim_end();
    (json.trim_start().starts_with('[') && trimmed.ends_with(']')).then(|| trimmed.len() - 1)
}

fn is_empty_list(json: &str) -> bool {
    json.trim().strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]")
}
