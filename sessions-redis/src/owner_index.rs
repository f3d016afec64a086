//! The index of owners. All keys of an owner are in one slot of a cluster.

use std::time::Duration;

use redis::Cmd;
use sessions::store::{
    BoxFuture, Ended, OwnerIndex, OwnerKey, OwnerState, RecordKey, StoreError, Timestamp,
};

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

    /// The key of the moment up to which the owner's sessions are ended.
    fn ended_before_key(&self, owner: &OwnerKey) -> String {
        format!("{}owner:{{{owner}}}:ended", self.prefix)
    }
}

impl<C: Connect> OwnerIndex for RedisStore<C> {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(async move {
            let keys = [&*self.sessions_key(owner), &*self.ended_before_key(owner)];
            let add = script::INDEX_ADD.on(&keys).arg(key.to_string()).arg(millis(ttl));
            self.run(&add).await.map(owner_state)
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

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(async move {
            let keys = [&*self.ended_before_key(owner)];
            self.run(&script::OWNER_STATE.on(&keys)).await.map(owner_state)
        })
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        Box::pin(async move {
            let keys = [&*self.ended_before_key(owner)];
            let end = script::END_BEFORE.on(&keys).arg(millis(ttl)).arg(up_to.map(Timestamp::get));
            let (previous, at): (Option<u64>, u64) = self.run(&end).await?;
            Ok(Ended { previous: previous.map(Timestamp::new), at: Timestamp::new(at) })
        })
    }
}

fn owner_state((now, ended_before): (u64, Option<u64>)) -> OwnerState {
    let ended_before = ended_before.map(Timestamp::new);
    OwnerState { now: Timestamp::new(now), ended_before }
}
