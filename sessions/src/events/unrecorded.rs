//! Without the feature `metrics`: nothing is counted, and nothing is kept for it.

#![expect(clippy::unused_self, reason = "the methods are those of the feature `metrics`")]

use super::{Event, LogId, Operation};

pub(crate) fn count(event: Event, reason: Option<&'static str>) {
    debug_assert!(
        reason.map_or(event.reasons().is_empty(), |reason| event.reasons().contains(&reason)),
        "{event:?} has no reason {reason:?}"
    );
}

/// Measures one call of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreCall;

impl StoreCall {
    pub(crate) fn begin() -> Self {
        Self
    }

    pub(crate) fn end(self, _operation: Operation, _result: &'static str) {}
}

/// Counts the open circuits.
#[derive(Debug)]
pub(crate) struct OpenCircuit;

impl OpenCircuit {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn set(&self, _is_open: bool) {}
}

/// Counts the tokens of one key.
#[derive(Debug)]
pub(crate) struct KeyCounter;

impl KeyCounter {
    pub(crate) fn new(_id: impl FnOnce() -> LogId, _role: &'static str) -> Self {
        Self
    }

    pub(crate) fn count(&self) {}
}
