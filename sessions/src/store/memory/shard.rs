//! The records, spread over shards whose locks are held for one step each.

use std::{
    array,
    collections::hash_map,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::store::{KeyMap, Loaded, Record, RecordKey, Revision, Timestamp, Touch};

const SHARDS: usize = 64;

pub(super) struct Shards([Mutex<Shard>; SHARDS]);

/// Some of the records. Expired ones stay until a sweep, and no caller sees them.
#[derive(Default)]
pub(super) struct Shard {
    entries: KeyMap<Entry>,
    /// Of all its records, so that none has a revision of one that was deleted.
    last_revision: u64,
}

pub(super) struct Entry {
    record: Arc<Record>,
    revision: Revision,
    pub(super) expires: Duration,
}

/// The result of creating a record.
pub(super) enum Created {
    New(Revision),
    InsteadOf { expired: Entry, revision: Revision },
    Exists,
}

/// The result of replacing a record.
pub(super) enum Replaced {
    Done { former: Entry, revision: Revision },
    Conflict,
    Gone,
}

/// The result of removing a record that has a revision.
pub(super) enum Removed {
    Done(Entry),
    Conflict,
    Gone,
}

impl Entry {
    fn new(record: &Record, revision: Revision, expires: Duration) -> Self {
        Self { record: Arc::new(record.clone()), revision, expires }
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.record.is_anonymous()
    }
}

impl Shards {
    /// Locks the shard of this key, for one step.
    pub(super) fn of(&self, key: &RecordKey) -> MutexGuard<'_, Shard> {
        let [first, ..] = *key.as_bytes();
        lock(&self.0[usize::from(first) % SHARDS])
    }

    /// Removes the entries that `keep` refuses, one shard after the other.
    pub(super) fn retain(&self, keep: impl Fn(&Entry) -> bool) {
        for shard in &self.0 {
            lock(shard).entries.retain(|_, entry| keep(entry));
        }
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
        let revision = self.next_revision();
        let entry = Entry::new(record, revision, now.saturating_add(ttl));
        match self.entries.entry(*key) {
            hash_map::Entry::Vacant(vacant) => {
                vacant.insert(entry);
                Created::New(revision)
            }
            hash_map::Entry::Occupied(mut occupied) if occupied.get().expires <= now => {
                Created::InsteadOf { expired: occupied.insert(entry), revision }
            }
            hash_map::Entry::Occupied(_) => Created::Exists,
        }
    }

    fn next_revision(&mut self) -> Revision {
        self.last_revision += 1;
        Revision::new(self.last_revision)
    }

    pub(super) fn load(
        &mut self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: Duration,
        present: Timestamp,
    ) -> Option<Loaded> {
        let entry = self.live(key, now)?;
        let due = touch.filter(|touch| touch.is_due(entry.expires.saturating_sub(now)));
        if let Some(touch) = due {
            entry.expires = now.saturating_add(touch.ttl);
        }
        Some(Loaded {
            record: Arc::clone(&entry.record),
            revision: entry.revision,
            expires_in: entry.expires.saturating_sub(now),
            touched: due.is_some(),
            now: present,
        })
    }

    pub(super) fn replace(
        &mut self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        now: Duration,
        ttl: Duration,
    ) -> Replaced {
        let next = self.next_revision();
        let Some(entry) = self.live(key, now) else { return Replaced::Gone };
        if entry.revision != revision {
            return Replaced::Conflict;
        }
        let expires = now.saturating_add(ttl);
        let newer = Entry::new(record, next, expires);
        Replaced::Done { former: mem::replace(entry, newer), revision: next }
    }

    pub(super) fn remove(&mut self, key: &RecordKey) -> Option<Entry> {
        self.entries.remove(key)
    }

    pub(super) fn remove_if(
        &mut self,
        key: &RecordKey,
        revision: Revision,
        now: Duration,
    ) -> Removed {
        let Some(entry) = self.live(key, now) else { return Removed::Gone };
        if entry.revision != revision {
            return Removed::Conflict;
        }
        self.entries.remove(key).map_or(Removed::Gone, Removed::Done)
    }

    fn live(&mut self, key: &RecordKey, now: Duration) -> Option<&mut Entry> {
        self.entries.get_mut(key).filter(|entry| entry.expires > now)
    }
}

/// No step of a shard panics half-way, so that the data under a poisoned lock is intact.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
