//! The index of owners. All keys of an owner are in one slot of a cluster.

use std::time::Duration;

use redis::Cmd;
use sessions::store::{BoxFuture, OwnerIndex, OwnerKey, RecordKey, StoreError, Timestamp};

use crate::{
    connect::Connect,
    script,
    store::{RedisStore, millis},
};

impl<C: Connect> RedisStore<C> {
    /// The key of the sorted set of the owner's sessions.
    fn sessions_key(&self, owner: &OwnerKey) -> String {
        format!("{}owner:{{{owner}}}:sessions", self.prefix)
    }

    /// The key of the moment before which the owner's sessions are ended.
    fn revoked_before_key(&self, owner: &OwnerKey) -> String {
        format!("{}owner:{{{owner}}}:ended", self.prefix)
    }
}

impl<C: Connect> OwnerIndex for RedisStore<C> {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let keys = [&*self.sessions_key(owner), &*self.revoked_before_key(owner)];
            let add = script::INDEX_ADD.on(&keys).arg(key.to_string()).arg(millis(ttl));
            let revoked_before: Option<u64> = self.run(&add).await?;
            Ok(revoked_before.map(Timestamp::new))
        })
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut remove = Cmd::new();
            remove.arg("ZREM").arg(self.sessions_key(owner)).arg(key.to_string());
            self.command(&remove).await
        })
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        Box::pin(async move {
            let mut range = Cmd::new();
            range.arg("ZRANGE").arg(self.sessions_key(owner)).arg(0).arg(-1);
            let keys: Vec<String> = self.command(&range).await?;
            Ok(keys.iter().filter_map(RecordKey::parse).collect())
        })
    }

    fn revoked_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let mut get = Cmd::new();
            get.arg("GET").arg(self.revoked_before_key(owner));
            let revoked_before: Option<u64> = self.command(&get).await?;
            Ok(revoked_before.map(Timestamp::new))
        })
    }

    fn revoke_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        before: Timestamp,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let keys = [&*self.revoked_before_key(owner)];
            let revoke = script::REVOKE_BEFORE.on(&keys).arg(before.get()).arg(millis(ttl));
            self.run(&revoke).await
        })
    }
}
