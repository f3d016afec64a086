//! The write path of a record that is there. Writers of one record queue within this process; the
//! lock holder commits for all of them by compare-and-set.
//!
//! `conditional_write` (one request's write) → `batch` (one call for all that wait) → `queue` (who
//! waits) and `cas` (one loop for all).

mod batch;
mod cas;
mod conditional_write;
mod outcome;
mod queue;

pub(super) use self::{
    cas::{Base, CasOutcome, NextState, RecordChange, compare_and_set},
    conditional_write::{ConditionalWrite, Renewal},
    outcome::WriteOutcome,
    queue::WriteQueue,
};
