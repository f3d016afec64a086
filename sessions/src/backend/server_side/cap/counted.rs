//! The sessions of an owner that count.

use futures_util::StreamExt;

use super::super::{ServerSide, owner_index::has_ended, write::Base};
use crate::{
    backend::circuit_breaker::Deadline,
    store::{OwnerKey, OwnerState, RecordKey, Store, StoreError, Timestamp},
};

/// How many of an owner's sessions a login loads at a time, or ends: it leaves connections to other
/// requests.
pub(super) const AT_ONCE: usize = 4;

/// A session of an owner that lives.
pub(super) struct Counted {
    pub(super) key: RecordKey,
    /// When its owner logged in.
    pub(super) since: Timestamp,
    /// `None` where a newer version of this library wrote it.
    pub(super) base: Option<Base>,
}

impl<S: Store> ServerSide<S> {
    /// Returns the sessions under these keys that live and are the owner's.
    pub(super) async fn counted(
        &self,
        owner: OwnerKey,
        keys: Vec<RecordKey>,
        OwnerState { ended_before, .. }: OwnerState,
        deadline: &Deadline,
    ) -> Result<Vec<Counted>, StoreError> {
        let mut live = Vec::with_capacity(keys.len());
        let mut loads = self.loads(keys, AT_ONCE, deadline);
        while let Some((key, loaded)) = loads.next().await {
            let loaded = match loaded {
                Ok(Some(loaded)) => loaded,
                Ok(None) | Err(StoreError::Corrupt { .. }) => continue,
                // Its client is served by a newer version. When it logged in cannot be read.
                Err(StoreError::NewerFormat { .. }) => {
                    live.push(Counted { key, since: Timestamp::default(), base: None });
                    continue;
                }
                Err(err) => return Err(err),
            };
            let login = loaded.record.owner.filter(|login| login.key == owner && login.counts());
            let Some(since) = login.map(|login| login.since) else { continue };
            let is_past = self.shared.longest_timeout.is_past(&loaded.record, loaded.now.time());
            if !is_past && !has_ended(since, ended_before) {
                live.push(Counted { key, since, base: Some(loaded.into()) });
            }
        }
        Ok(live)
    }
}
