//! Writes that a store refuses while it answers reads: it is full, or takes no writes.

use super::{
    FAILURES,
    alarm::{Alarm, Row},
};
use crate::{
    events::{Event, Operation, count, line},
    store::StoreError,
};

/// The reason of the events.
const REASON: &str = "refuses_writes";

/// A kind of write. A store that is full may refuse one and do another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    /// Creates a record.
    Create,
    /// Replaces a record.
    Replace,
    /// Deletes a record.
    Delete,
    /// Changes an owner's index.
    Index,
}

impl Write {
    /// Returns what measurements call it.
    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Create => Operation::Create,
            Self::Replace => Operation::Replace,
            Self::Delete => Operation::Delete,
            Self::Index => Operation::Index,
        }
    }
}

/// Raises the alarm when a store refuses one kind of write several times in a row. The circuit stays
/// closed: sessions can still be read, and on a full store ended.
#[derive(Debug, Default)]
pub(super) struct RefusedWrites {
    alarm: Alarm,
    /// One for each kind.
    rows: [Row; 4],
}

impl RefusedWrites {
    pub(super) fn note_refusal(&self, write: Write, err: &StoreError) {
        let (refused, alarm) = self.alarm.note_failure(&self.rows[write as usize]);
        if refused == FAILURES {
            count(Event::StoreFailed, Some(REASON));
        }
        if let Some(passed_over) = alarm {
            line!(
                StoreFailed,
                reason = REASON,
                "the session store fails: it refused {FAILURES} writes in a row; sessions can be read and not changed; free memory or disk space, and connect to the primary instead of a replica: {}{passed_over}",
                err.with_causes()
            );
        }
    }

    pub(super) fn note_success(&self, write: Write) {
        let end = self.alarm.note_success(&self.rows[write as usize]);
        if end.is_recovery {
            count(Event::StoreRecovered, Some(REASON));
        }
        if end.is_announced {
            line!(StoreRecovered, reason = REASON, "the session store takes writes again");
        }
    }
}
