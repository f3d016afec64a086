//! The index of sessions by owner.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{OwnerKey, RecordKey, StoreError};

/// A boxed future, as [`OwnerIndex`] returns it: `Box::pin(async move { … })`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A time in microseconds since 1970. A process gives each only once, so that of a login and the end of
/// an owner's sessions one is always earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the timestamp of a number that a store kept.
    pub fn new(microseconds: u64) -> Self {
        Self(microseconds)
    }

    /// Returns the timestamp of this time.
    pub(crate) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// Returns the number to keep.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Finds sessions by their owner, so that they can be listed and ended together.
///
/// No single step need reach both the index and the records: an entry is written before its record, and
/// is only a hint. A session that was about to begin while its owner's were ended is detected by the
/// time that [`revoke_before`](Self::revoke_before) keeps.
pub trait OwnerIndex: Send + Sync {
    /// Adds an entry for the record under `key`, for at least `ttl`, and returns the result of
    /// [`revoked_before`](Self::revoked_before), read in the same step or after it. Adding it again
    /// prolongs it. Stores that find records by [`Record::owner`](super::Record::owner) need no
    /// entries.
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>>;

    /// Removes an entry. Works on a full store.
    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns the keys of the owner's records. Some of the records may be deleted.
    fn keys<'a>(&'a self, owner: &'a OwnerKey)
    -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>>;

    /// Returns the time before which the owner's sessions are ended, if they ever were.
    fn revoked_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>>;

    /// Ends the owner's sessions whose login is not later than `before`: keeps that time for at least
    /// `ttl`, unless a later one is kept already.
    fn revoke_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        before: Timestamp,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}
