//! The write path of a record that is there. Writers of one record queue within this process; the
//! lock holder commits for all of them by compare-and-set.
//!
//! `conditional_write` (the write of one request) uses `batch` (one commit for all waiters), which uses
//! `queue` (the waiters) and `cas` (the compare-and-set loop). Those two know nothing of each other.

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
