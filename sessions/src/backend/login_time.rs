//! When a login took place, by the store's clock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    clock::Stopwatch,
    store::{OwnerState, Timestamp},
};

/// The time of a login that its request has not saved yet: when the request began, unless it has ended its
/// owner's other sessions itself.
#[derive(Debug)]
pub(super) struct LoginTime {
    begun: Stopwatch,
    /// In microseconds since 1970; zero when it is not set.
    set: AtomicU64,
}

impl LoginTime {
    /// The login of a request that runs since then.
    pub(super) fn began(begun: Stopwatch) -> Self {
        Self { begun, set: AtomicU64::new(0) }
    }

    pub(super) fn stopwatch(&self) -> &Stopwatch {
        &self.begun
    }

    /// Returns the time, after the store has answered that this is the present: the request began before
    /// the store's clock was read, so that a login is not dated later than its request.
    pub(super) fn by(&self, now: Timestamp) -> Timestamp {
        match self.set.load(Ordering::Acquire) {
            0 => now.before(self.begun.elapsed()),
            set => Timestamp::new(set),
        }
    }

    /// Dates the login to the moment after a look at its owner's sessions, since the request ends all of
    /// them up to that look. Does nothing for a login that has ended, and returns whether it has.
    pub(super) fn outlive(&self, look: OwnerState) -> bool {
        let has_ended = look.ended_before.is_some_and(|ended| self.by(look.now) <= ended);
        if !has_ended {
            self.set(look.now.next());
        }
        has_ended
    }

    pub(super) fn set(&self, time: Timestamp) {
        self.set.store(time.get(), Ordering::Release);
    }
}

/// A copy as of now: what is set later is set in one of the two.
impl Clone for LoginTime {
    fn clone(&self) -> Self {
        let set = AtomicU64::new(self.set.load(Ordering::Acquire));
        Self { begun: self.begun.clone(), set }
    }
}
