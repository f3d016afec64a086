//! The index of owners.

use std::{
    collections::{HashMap, hash_map},
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Shared;
use crate::store::{
    BoxFuture, Ended, OwnerIndex, OwnerKey, OwnerState, RecordKey, StoreError, Timestamp,
};

/// How many entries there may be for each record that fits: those of records that have expired stay for
/// a while.
const ENTRIES_PER_RECORD: usize = 2;

#[derive(Default)]
pub(super) struct Owners(Mutex<Index>);

#[derive(Default)]
struct Index {
    owners: HashMap<OwnerKey, Sessions>,
    /// How many entries there are.
    len: usize,
}

/// One owner's entries, each with the time it expires, and the moment of the last end.
#[derive(Default)]
struct Sessions {
    keys: HashMap<RecordKey, Duration>,
    ended_before: Option<(Timestamp, Duration)>,
}

impl Owners {
    /// Removes what has expired.
    pub(super) fn sweep(&self, now: Duration) {
        self.lock().sweep(now);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().owners.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn sweep(&mut self, now: Duration) {
        self.owners.retain(|_, sessions| {
            sessions.keys.retain(|_, until| *until > now);
            sessions.ended_before.take_if(|(_, until)| *until <= now);
            !sessions.is_empty()
        });
        self.len = self.owners.values().map(|sessions| sessions.keys.len()).sum();
    }

    fn add(&mut self, owner: OwnerKey, key: RecordKey, until: Duration) {
        let sessions = self.owners.entry(owner).or_default();
        match sessions.keys.entry(key) {
            hash_map::Entry::Vacant(vacant) => {
                vacant.insert(until);
                self.len += 1;
            }
            hash_map::Entry::Occupied(mut present) => {
                let longer = until.max(*present.get());
                present.insert(longer);
            }
        }
    }

    fn has(&self, owner: &OwnerKey, key: &RecordKey) -> bool {
        self.owners.get(owner).is_some_and(|sessions| sessions.keys.contains_key(key))
    }

    fn remove(&mut self, owner: &OwnerKey, key: &RecordKey) {
        let Some(sessions) = self.owners.get_mut(owner) else { return };
        self.len -= usize::from(sessions.keys.remove(key).is_some());
        if sessions.is_empty() {
            self.owners.remove(owner);
        }
    }
}

impl Sessions {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ended_before.is_none()
    }
}

impl Shared {
    /// Reads an owner's state. The lock orders it with the ends.
    fn owner_state(&self, index: &Index, owner: &OwnerKey) -> OwnerState {
        let ended_before = index.owners.get(owner).and_then(|sessions| sessions.ended_before);
        OwnerState { now: self.time.stamp(), ended_before: ended_before.map(|(at, _)| at) }
    }

    fn add_entry(
        &self,
        owner: OwnerKey,
        key: RecordKey,
        ttl: Duration,
    ) -> Result<OwnerState, StoreError> {
        let now = self.time.now();
        let mut index = self.owners.lock();
        let limit = self.capacity.saturating_mul(ENTRIES_PER_RECORD);
        if index.len >= limit && !index.has(&owner, &key) {
            if self.time.may_sweep_index() {
                index.sweep(now);
            }
            if index.len >= limit {
                return Err(StoreError::Full);
            }
        }
        index.add(owner, key, now.saturating_add(ttl));
        Ok(self.owner_state(&index, &owner))
    }
}

impl OwnerIndex for Shared {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(ready(self.add_entry(*owner, *key, ttl)))
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.owners.lock().remove(owner, key);
        Box::pin(ready(Ok(())))
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        let index = self.owners.lock();
        let keys = index
            .owners
            .get(owner)
            .map_or_else(Vec::new, |sessions| sessions.keys.keys().copied().collect());
        Box::pin(ready(Ok(keys)))
    }

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        let state = self.owner_state(&self.owners.lock(), owner);
        Box::pin(ready(Ok(state)))
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        let until = self.time.now().saturating_add(ttl);
        let mut index = self.owners.lock();
        let now = self.time.stamp();
        let sessions = index.owners.entry(*owner).or_default();
        let (previous, kept_until) = sessions.ended_before.unzip();
        let later = || previous.map_or(now, |previous| now.max(previous.next()));
        let at = up_to.map_or_else(later, |up_to| previous.map_or(up_to, |it| it.max(up_to)));
        sessions.ended_before = Some((at, kept_until.map_or(until, |kept| kept.max(until))));
        Box::pin(ready(Ok(Ended { previous, at })))
    }
}
