//! The index of owners: a column of the records, and a table of the moments before which sessions are
//! ended.

use std::time::Duration;

use sessions::store::{BoxFuture, OwnerIndex, OwnerKey, RecordKey, StoreError, Timestamp};

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
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        self.revoked_before(owner)
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

    fn revoked_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let before: Option<i64> = run!(self, read, connection => {
                DB::revoked_before(connection, &self.statements, owner.as_bytes())
            })?;
            Ok(before.map(|before| Timestamp::new(before.cast_unsigned())))
        })
    }

    fn revoke_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        before: Timestamp,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let before = i64::try_from(before.get()).unwrap_or(i64::MAX);
            run!(self, write, connection => {
                DB::revoke_before(connection, &self.statements, owner.as_bytes(), before, millis(ttl))
            })
        })
    }
}
