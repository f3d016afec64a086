//! The index of owners: a column of the records, and a table of the moments up to which sessions were
//! ended.

use std::time::Duration;

use sessions::store::{
    BoxFuture, Ended, OwnerIndex, OwnerKey, OwnerState, RecordKey, StoreError, Timestamp,
};

use super::SqlxStore;
use crate::{
    dialect::{Dialect, statements::millis},
    lease::run,
};

impl<DB: Dialect> OwnerIndex for SqlxStore<DB> {
    /// Writes nothing: the record has its owner in a column.
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        _key: &'a RecordKey,
        _ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        self.state(owner)
    }

    fn remove<'a>(
        &'a self,
        _owner: &'a OwnerKey,
        _key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        Box::pin(async move {
            let keys: Vec<Vec<u8>> = run!(self, read, connection => {
                DB::owner_keys(connection, &self.statements, owner.as_bytes())
            })?;
            let keys = keys.into_iter().filter_map(|key| key.try_into().ok());
            Ok(keys.map(RecordKey::from_bytes).collect())
        })
    }

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(async move {
            let (now, ended_before): (i64, Option<i64>) = run!(self, read, connection => {
                DB::owner_state(connection, &self.statements, owner.as_bytes())
            })?;
            Ok(OwnerState { now: timestamp(now), ended_before: ended_before.map(timestamp) })
        })
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        Box::pin(async move {
            let up_to = up_to.map(|up_to| i64::try_from(up_to.get()).unwrap_or(i64::MAX));
            let (previous, at): (Option<i64>, i64) = run!(self, write, connection => {
                DB::end_before(connection, &self.statements, owner.as_bytes(), up_to, millis(ttl))
            })?;
            Ok(Ended { previous: previous.map(timestamp), at: timestamp(at) })
        })
    }
}

fn timestamp(micros: i64) -> Timestamp {
    Timestamp::new(micros.cast_unsigned())
}
