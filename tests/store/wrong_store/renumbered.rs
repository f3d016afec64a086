//! The memory store, whose revisions are told as a wrong store numbers them.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use sessions::{
    MemoryStore,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
        ReplaceOutcome, Revision, Store, StoreError, Touch,
    },
};

use super::lock;

pub(super) struct Renumbered {
    store: MemoryStore,
    /// How far the revisions of a key are from the ones that are told.
    shifts: Mutex<HashMap<RecordKey, u64>>,
    counts_down: bool,
}

impl Renumbered {
    pub(super) fn new(store: MemoryStore, counts_down: bool) -> Self {
        Self { store, shifts: Mutex::default(), counts_down }
    }

    pub(super) fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// Tells another number for this revision of a key, and goes on from it.
    pub(super) fn renumber(&self, key: &RecordKey, from: Revision, to: Revision) {
        let mut shifts = lock(&self.shifts);
        let shift = shifts.entry(*key).or_default();
        *shift = shift.wrapping_add(from.get().wrapping_sub(to.get()));
    }

    fn told(&self, key: &RecordKey, revision: Revision) -> Revision {
        let shift = lock(&self.shifts).get(key).copied().unwrap_or_default();
        let told = revision.get().wrapping_sub(shift);
        Revision::new(if self.counts_down { u64::MAX - told } else { told })
    }

    fn asked(&self, key: &RecordKey, revision: Revision) -> Revision {
        let shift = lock(&self.shifts).get(key).copied().unwrap_or_default();
        let told = if self.counts_down { u64::MAX - revision.get() } else { revision.get() };
        Revision::new(told.wrapping_add(shift))
    }
}

impl Store for Renumbered {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        Ok(match self.store.create(key, record, ttl).await? {
            CreateOutcome::Created(revision) => CreateOutcome::Created(self.told(key, revision)),
            CreateOutcome::Exists => CreateOutcome::Exists,
        })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let loaded = self.store.load(key, touch).await?;
        Ok(loaded.map(|loaded| Loaded { revision: self.told(key, loaded.revision), ..loaded }))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        Ok(match self.store.replace(key, self.asked(key, revision), record, ttl).await? {
            ReplaceOutcome::Replaced(next) => ReplaceOutcome::Replaced(self.told(key, next)),
            outcome => outcome,
        })
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.store.delete(key).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.store.delete_if(key, self.asked(key, revision)).await
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.store.owners()
    }
}
