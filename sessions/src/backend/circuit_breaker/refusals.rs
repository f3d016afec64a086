//! Writes that a store refuses while it answers reads: it is full, or takes no writes.

use super::{
    FAILURES,
    alarm::{Alarm, Row},
};
use crate::store::StoreError;

/// A kind of write. A store that is full may refuse one and do another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    /// Of a new record.
    Create,
    /// Of a record that is there.
    Replace,
    /// Of none.
    Delete,
    /// Of an owner's index.
    Index,
}

/// Raises the alarm when a store refuses one kind of write several times in a row. The circuit stays
/// closed: sessions can still be read, and on a full store ended.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    alarm: Alarm,
    /// One for each kind.
    rows: [Row; 4],
}

impl Refusals {
    pub(super) fn note_refusal(&self, write: Write, err: &StoreError) {
        if let (_, Some(passed_over)) = self.alarm.note_failure(&self.rows[write as usize]) {
            tracing::error!(target: "sessions", "the session store fails: it refused {FAILURES} writes in a row; sessions are read, and requests that change one fail; check its room, and that it is not a replica: {}{passed_over}", err.with_causes());
        }
    }

    pub(super) fn note_success(&self, write: Write) {
        if self.alarm.note_success(&self.rows[write as usize]) {
            tracing::info!(target: "sessions", "the session store takes writes again");
        }
    }
}
