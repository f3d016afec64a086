//! The write path of a record that is there. Writers of one record queue within this process; the
//! lock holder commits for all of them by compare-and-set. In a store that answers at once a write is first
//! tried without them, in `save_at_once`.
//!
//! `removal` (a deletion that a condition allows) and `conditional_write` (the write of one request) use
//! `queue` and `cas`; the latter also uses `batch` (one commit for all waiters). `queue` (the
//! waiters) and `cas` (the compare-and-set loop) know nothing of each other.
//!
//! Authority is checked where a change is made on a record, at each try: the store writes only in place
//! of the revision that was checked.

mod batch;
mod cas;
mod conditional_write;
mod outcome;
mod queue;
mod removal;

pub(super) use self::{
    cas::{Base, CasOutcome, MAX_TRIES, NextState, RecordChange, backoff, compare_and_set},
    conditional_write::{ConditionalWrite, NewToken, Reason},
    outcome::WriteOutcome,
    queue::{Opened, WriteQueue},
    removal::{Removal, RemovalCondition, RemovalOutcome},
};
