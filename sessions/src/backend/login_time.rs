//! When a login took place, by the store's clock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    clock::Stopwatch,
    store::{OwnerKey, Timestamp},
};

/// The time of a login that its request has not saved yet: when the request began, unless it has itself
/// ended the other sessions of the owner.
#[derive(Debug)]
pub(super) struct LoginTime {
    begun: Stopwatch,
    /// The owner whose other sessions the request has ended, and the time to date the login to.
    set: Mutex<Option<(OwnerKey, Timestamp)>>,
}

impl LoginTime {
    /// The login of a request that runs since then.
    pub(super) fn began(begun: Stopwatch) -> Self {
        Self { begun, set: Mutex::new(None) }
    }

    pub(super) fn stopwatch(&self) -> &Stopwatch {
        &self.begun
    }

    /// Returns the time of this owner's login, after the store has answered that this is the present: the
    /// request began before the store's clock was read, so that a login is not dated later than its
    /// request.
    pub(super) fn by(&self, owner: OwnerKey, now: Timestamp) -> Timestamp {
        match *self.lock() {
            Some((of, time)) if of == owner => time,
            _ => now.before(self.begun.elapsed()),
        }
    }

    /// Dates the login of an owner whose other sessions this request has ended.
    pub(super) fn set(&self, owner: OwnerKey, time: Timestamp) {
        *self.lock() = Some((owner, time));
    }

    fn lock(&self) -> MutexGuard<'_, Option<(OwnerKey, Timestamp)>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy: what is set later is set in one of the two.
impl Clone for LoginTime {
    fn clone(&self) -> Self {
        Self { begun: self.begun.clone(), set: Mutex::new(*self.lock()) }
    }
}
