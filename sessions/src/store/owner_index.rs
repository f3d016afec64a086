//! Which sessions are one owner's.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{OwnerKey, RecordKey, StoreError};

/// A future behind a pointer: what [`OwnerIndex`] returns, written `Box::pin(async move { … })`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A moment in the life of an owner's sessions: microseconds since 1970, each given once by a
/// process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Takes the number that a store kept.
    pub fn new(microseconds: u64) -> Self {
        Self(microseconds)
    }

    /// Returns the moment of this time.
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
/// The index and the records may be kept in places that no single step reaches: an entry is
/// written before its record and taken for a hint. Sessions that were about to begin while their
/// owner's were ended are found out by the time that [`revoke_before`](Self::revoke_before) notes.
pub trait OwnerIndex: Send + Sync {
    /// Notes that the record under `key` is `owner`'s, for at least `ttl`, and returns what
    /// [`revoked_before`](Self::revoked_before) would, read in the same step or after it. Noting it again
    /// prolongs it. Stores that find records by [`Record::owner`](super::Record::owner) note
    /// nothing.
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>>;

    /// Takes back what [`add`](Self::add) noted. Works on a full store.
    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns the keys of the owner's records. There may be some whose record is gone.
    fn keys<'a>(&'a self, owner: &'a OwnerKey)
    -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>>;

    /// Returns the moment up to which the owner's sessions are ended, if they ever were.
    fn revoked_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>>;

    /// Notes, for at least `ttl`, that the owner's sessions from before `stamp` are ended. A later
    /// moment that is already noted stays.
    fn revoke_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        stamp: Timestamp,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}
