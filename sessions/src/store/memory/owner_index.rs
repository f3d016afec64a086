//! The index of owners.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Shared;
use crate::store::{BoxFuture, OwnerIndex, OwnerKey, RecordKey, StoreError, Timestamp};

#[derive(Default)]
pub(super) struct Owners(Mutex<HashMap<OwnerKey, Sessions>>);

/// One owner's entries, each with the time it expires.
#[derive(Default)]
struct Sessions {
    keys: HashMap<RecordKey, Duration>,
    revoked_before: Option<(Timestamp, Duration)>,
}

impl Owners {
    /// Removes what has expired.
    pub(super) fn sweep(&self, now: Duration) {
        self.lock().retain(|_, sessions| {
            sessions.keys.retain(|_, until| *until > now);
            sessions.revoked_before.take_if(|(_, until)| *until <= now);
            !sessions.keys.is_empty() || sessions.revoked_before.is_some()
        });
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OwnerKey, Sessions>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnerIndex for Shared {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        let until = self.time.now().saturating_add(ttl);
        let mut owners = self.owners.lock();
        let sessions = owners.entry(*owner).or_default();
        sessions.keys.insert(*key, until);
        Box::pin(ready(Ok(sessions.revoked_before.map(|(stamp, _)| stamp))))
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut owners = self.owners.lock();
        if let Some(sessions) = owners.get_mut(owner) {
            sessions.keys.remove(key);
            if sessions.keys.is_empty() && sessions.revoked_before.is_none() {
                owners.remove(owner);
            }
        }
        Box::pin(ready(Ok(())))
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        let owners = self.owners.lock();
        let keys = owners
            .get(owner)
            .map_or_else(Vec::new, |sessions| sessions.keys.keys().copied().collect());
        Box::pin(ready(Ok(keys)))
    }

    fn revoked_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        let owners = self.owners.lock();
        let noted = owners.get(owner).and_then(|sessions| sessions.revoked_before);
        Box::pin(ready(Ok(noted.map(|(stamp, _)| stamp))))
    }

    fn revoke_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        before: Timestamp,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let until = self.time.now().saturating_add(ttl);
        let mut owners = self.owners.lock();
        let sessions = owners.entry(*owner).or_default();
        let (noted, noted_until) = sessions.revoked_before.unwrap_or((before, until));
        sessions.revoked_before = Some((noted.max(before), noted_until.max(until)));
        Box::pin(ready(Ok(())))
    }
}
