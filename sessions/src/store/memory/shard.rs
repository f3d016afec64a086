//! The records, spread over shards whose locks are held for one step each.

use std::{
    array,
    collections::hash_map,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::store::{
    DeleteIfOutcome, KeyMap, Loaded, Record, RecordKey, ReplaceOutcome, Revision, Touch,
};

const SHARDS: usize = 64;

pub(super) struct Shards([Mutex<Shard>; SHARDS]);

/// Some of the records. Expired ones stay until a sweep, and no caller sees them.
#[derive(Default)]
pub(super) struct Shard {
    entries: KeyMap<Entry>,
}

pub(super) struct Entry {
    record: Record,
    revision: Revision,
    pub(super) expires: Duration,
}

/// The result of creating a record.
pub(super) enum Created {
    New,
    InsteadOfExpired,
    Exists,
}

impl Shards {
    /// Locks the shard of this key, for one step.
    pub(super) fn of(&self, key: &RecordKey) -> MutexGuard<'_, Shard> {
        let [first, ..] = *key.as_bytes();
        lock(&self.0[usize::from(first) % SHARDS])
    }

    /// Removes the entries that `keep` refuses, one shard after the other. Returns how many.
    pub(super) fn retain(&self, keep: impl Fn(&Entry) -> bool) -> usize {
        let removed = |shard: &Mutex<Shard>| {
            let mut shard = lock(shard);
            let before = shard.entries.len();
            shard.entries.retain(|_, entry| keep(entry));
            before - shard.entries.len()
        };
        self.0.iter().map(removed).sum()
    }
}

impl Default for Shards {
    fn default() -> Self {
        Self(array::from_fn(|_| Mutex::default()))
    }
}

impl Shard {
    pub(super) fn create(
        &mut self,
        key: &RecordKey,
        record: &Record,
        now: Duration,
        ttl: Duration,
    ) -> Created {
        let entry = Entry {
            record: record.clone(),
            revision: Revision::FIRST,
            expires: now.saturating_add(ttl),
        };
        match self.entries.entry(*key) {
            hash_map::Entry::Vacant(vacant) => {
                vacant.insert(entry);
                Created::New
            }
            hash_map::Entry::Occupied(mut occupied) if occupied.get().expires <= now => {
                occupied.insert(entry);
                Created::InsteadOfExpired
            }
            hash_map::Entry::Occupied(_) => Created::Exists,
        }
    }

    pub(super) fn load(
        &mut self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: Duration,
    ) -> Option<Loaded> {
        let entry = self.live(key, now)?;
        let due = touch.filter(|touch| touch.is_due(entry.expires.saturating_sub(now)));
        if let Some(touch) = due {
            entry.expires = now.saturating_add(touch.ttl);
        }
        Some(Loaded {
            record: entry.record.clone(),
            revision: entry.revision,
            expires_in: entry.expires.saturating_sub(now),
            touched: due.is_some(),
        })
    }

    pub(super) fn replace(
        &mut self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        now: Duration,
        ttl: Duration,
    ) -> ReplaceOutcome {
        let Some(entry) = self.live(key, now) else { return ReplaceOutcome::Gone };
        if entry.revision != revision {
            return ReplaceOutcome::Conflict;
        }
        let revision = revision.next();
        *entry = Entry { record: record.clone(), revision, expires: now.saturating_add(ttl) };
        ReplaceOutcome::Replaced(revision)
    }

    pub(super) fn remove(&mut self, key: &RecordKey) -> Option<Entry> {
        self.entries.remove(key)
    }

    pub(super) fn remove_if(
        &mut self,
        key: &RecordKey,
        revision: Revision,
        now: Duration,
    ) -> DeleteIfOutcome {
        let Some(entry) = self.live(key, now) else { return DeleteIfOutcome::Gone };
        if entry.revision != revision {
            return DeleteIfOutcome::Conflict;
        }
        self.entries.remove(key);
        DeleteIfOutcome::Deleted
    }

    fn live(&mut self, key: &RecordKey, now: Duration) -> Option<&mut Entry> {
        self.entries.get_mut(key).filter(|entry| entry.expires > now)
    }
}

/// No step of a shard panics half-way, so that the data under a poisoned lock is intact.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
