//! The index of sessions by owner.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{OwnerKey, RecordKey, StoreError};

/// A boxed future, as [`OwnerIndex`] returns it: `Box::pin(async move { … })`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A time of the store's clock, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the timestamp of a number that a store kept.
    pub fn new(microseconds: u64) -> Self {
        Self(microseconds)
    }

    /// Returns the timestamp of this time, or that of 1970 for an earlier one.
    pub fn of(time: SystemTime) -> Self {
        Self(0).after(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// Returns the number to keep.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Returns the timestamp of the next microsecond, for an end that must be later than the one
    /// before.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns this time as one of the system's clock.
    pub(crate) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.0)
    }

    /// Returns the timestamp of a later time.
    #[must_use]
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(micros(time)))
    }

    /// Returns the timestamp of an earlier time.
    #[must_use]
    pub(crate) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(micros(time)))
    }

    /// Returns the time from `earlier` to this one: zero when `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What the index knows of an owner, read in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerState {
    /// The present, by the store's clock.
    pub now: Timestamp,
    /// The moment of the last [`end_before`](OwnerIndex::end_before), if it is still kept: sessions
    /// whose login is not later than it have ended.
    pub ended_before: Option<Timestamp>,
}

/// The result of [`OwnerIndex::end_before`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The moment that was kept before this call.
    pub previous: Option<Timestamp>,
    /// The moment that is kept from this call on.
    pub at: Timestamp,
}

/// Finds sessions by their owner, so that they can be listed and ended together.
///
/// No single step need reach both the index and the records: an entry is written before its record, and
/// is only a hint. A session that was about to begin while its owner's were ended is detected by the
/// moment that [`end_before`](Self::end_before) keeps.
///
/// All times are the store's: hosts whose clocks differ share one order of logins and ends.
pub trait OwnerIndex: Send + Sync {
    /// Adds an entry for the record under `key`, for at least `ttl`, and returns what
    /// [`state`](Self::state) returns, read in the same step. Adding it again prolongs the entry where
    /// `ttl` ends later, and never shortens it; nor does adding others. Stores that find records by
    /// [`Record::owner`](super::Record::owner) need no entries.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] when there is no room.
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>>;

    /// Removes an entry, if there is one. The moment of the last end stays. Works on a full store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known whether the entry is removed.
    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns the keys of the owner's records, each once, in any order. Some of the records may be
    /// deleted or have expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read.
    fn keys<'a>(&'a self, owner: &'a OwnerKey)
    -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>>;

    /// Returns the store's time, and the moment up to which the owner's sessions were ended. The time is
    /// not earlier than that moment.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read.
    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>>;

    /// Ends the owner's sessions whose login is not later than a moment, and keeps that moment for at
    /// least `ttl`, or for what is left of the time of the one before if that is longer. Works on a full
    /// store, also for an owner whose sessions were never ended. One step:
    ///
    /// - Without `up_to` the moment is the store's present, and later than the one before: two ends
    ///   have two moments.
    /// - With `up_to`, a moment that the store has answered before, it is that one, unless a later one
    ///   is kept already.
    ///
    /// A database that reads its clock before it takes its locks may note a moment that is earlier than
    /// what a [`state`](Self::state) has answered that did not see it: callers compare
    /// [`Ended::previous`] with what they saw.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known whether the moment is kept.
    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>>;
}
