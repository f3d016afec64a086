//! The index of owners. The keys of one owner are in one slot.

use std::time::Duration;

use redis::Cmd;
use sessions::store::{BoxFuture, OwnerIndex, OwnerKey, RecordKey, Stamp, StoreError};

use crate::{
    connect::Connect,
    script,
    store::{RedisStore, millis},
};

impl<C: Connect> RedisStore<C> {
    fn sessions_of(&self, owner: &OwnerKey) -> String {
        format!("{}owner:{{{owner}}}:sessions", self.prefix)
    }

    fn ended_of(&self, owner: &OwnerKey) -> String {
        format!("{}owner:{{{owner}}}:ended", self.prefix)
    }
}

impl<C: Connect> OwnerIndex for RedisStore<C> {
    fn enlist<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Stamp>, StoreError>> {
        Box::pin(async move {
            let keys = [&*self.sessions_of(owner), &*self.ended_of(owner)];
            let enlist = script::ENLIST.on(&keys).arg(key.to_string()).arg(millis(ttl));
            let ended: Option<u64> = self.run(&enlist).await?;
            Ok(ended.map(Stamp::new))
        })
    }

    fn delist<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut remove = Cmd::new();
            remove.arg("ZREM").arg(self.sessions_of(owner)).arg(key.to_string());
            self.command(&remove).await
        })
    }

    fn keys_of<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        Box::pin(async move {
            let mut range = Cmd::new();
            range.arg("ZRANGE").arg(self.sessions_of(owner)).arg(0).arg(-1);
            let keys: Vec<String> = self.command(&range).await?;
            Ok(keys.iter().filter_map(RecordKey::parse).collect())
        })
    }

    fn not_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Option<Stamp>, StoreError>> {
        Box::pin(async move {
            let mut get = Cmd::new();
            get.arg("GET").arg(self.ended_of(owner));
            let ended: Option<u64> = self.command(&get).await?;
            Ok(ended.map(Stamp::new))
        })
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        stamp: Stamp,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let keys = [&*self.ended_of(owner)];
            let end = script::END_BEFORE.on(&keys).arg(stamp.get()).arg(millis(ttl));
            self.run(&end).await
        })
    }
}
