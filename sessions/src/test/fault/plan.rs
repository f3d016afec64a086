//! Faults, and the plan of which call they happen to.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::super::{
    gate::{Latch, Moment},
    operation::Operation,
};
use crate::store::StoreError;

/// A fault of a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is done, and this is the answer.
    Fails(StoreError),
    /// Nothing is done, and there is no answer.
    Hangs,
    /// It is done and answered after this time.
    Delays(Duration),
    /// It is done, and the answer is lost with the connection: [`StoreError::Unavailable`].
    Loses,
    /// It is done, and there is no answer.
    Swallows,
    /// The store panics before anything is done.
    Panics,
}

/// What a test told the store, and how often the store was called.
#[derive(Default)]
pub(super) struct Plan {
    counts: [AtomicUsize; Operation::COUNT],
    armed: Mutex<Vec<Armed>>,
}

/// What is to happen to one call, or to all of an operation.
struct Armed {
    /// Any operation when not set.
    operation: Option<Operation>,
    /// How many calls until the action. Every call when not set.
    calls: Option<usize>,
    action: Action,
}

#[derive(Clone)]
pub(super) enum Action {
    Fault(Fault),
    Hold(Moment, Arc<Latch>),
}

impl Plan {
    pub(super) fn arm(&self, operation: Option<Operation>, calls: Option<usize>, action: Action) {
        assert!(calls != Some(0), "calls are counted from 1, the next call");
        self.lock().push(Armed { operation, calls, action });
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn calls(&self) -> usize {
        self.counts.iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }

    pub(super) fn calls_of(&self, operation: Operation) -> usize {
        self.counts[operation as usize].load(Ordering::SeqCst)
    }

    /// Counts a call, and returns what is to happen to it: of several actions the oldest.
    pub(super) fn next(&self, operation: Operation) -> Option<Action> {
        self.counts[operation as usize].fetch_add(1, Ordering::SeqCst);
        let mut armed = self.lock();
        let mut action = None;
        armed.retain_mut(|armed| {
            if armed.operation.is_some_and(|only| only != operation) {
                return true;
            }
            let due = match &mut armed.calls {
                Some(calls) => {
                    *calls -= 1;
                    *calls == 0
                }
                None => true,
            };
            if due && action.is_none() {
                action = Some(armed.action.clone());
            }
            armed.calls != Some(0)
        });
        action
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
