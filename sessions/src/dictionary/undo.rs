//! Undoing the changes of one request of several that are made on one dictionary.

use super::{Dictionary, Size, added::Added, entry::Edit};

/// What the changes since a checkpoint replaced, in their order.
pub(super) struct UndoLog {
    replaced: Vec<Replaced>,
    size: Size,
}

enum Replaced {
    /// The edit of the entry at this position.
    Opened(usize, Edit),
    /// What an added key had, if anything.
    Added(Box<str>, Option<Added>),
}

impl UndoLog {
    pub(super) fn note_opened(&mut self, at: usize, edit: Edit) {
        self.replaced.push(Replaced::Opened(at, edit));
    }

    pub(super) fn note_added(&mut self, key: &str, before: Option<Added>) {
        self.replaced.push(Replaced::Added(key.into(), before));
    }
}

/// # Making changes on trial
impl Dictionary {
    /// Makes the changes so far permanent. [`revert`](Self::revert) undoes those after this call.
    pub(crate) fn checkpoint(&mut self) {
        self.undo_log = Some(UndoLog { replaced: Vec::new(), size: self.size });
    }

    /// Undoes the changes since the last checkpoint.
    pub(crate) fn revert(&mut self) {
        let Some(UndoLog { replaced, size }) = self.undo_log.take() else { return };
        for replaced in replaced.into_iter().rev() {
            match replaced {
                Replaced::Opened(at, edit) => self.entries[at].edit = edit,
                Replaced::Added(key, Some(added)) => {
                    self.filter.add(key.as_bytes());
                    self.added.insert(added);
                }
                Replaced::Added(key, None) => {
                    self.added.remove(&key);
                }
            }
        }
        self.size = size;
        self.revision += 1;
    }
}
