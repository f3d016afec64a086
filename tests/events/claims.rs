//! A store that answers what no store should.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sessions::{
    MemoryStore,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
        ReplaceOutcome, Revision, Store, StoreError, Touch,
    },
};

/// A store that claims to have an id already, once.
#[derive(Clone, Default)]
pub(super) struct Claims {
    store: MemoryStore,
    has_claimed: Arc<AtomicBool>,
}

impl Store for Claims {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        if self.has_claimed.swap(true, Ordering::Relaxed) {
            self.store.create(key, record, ttl).await
        } else {
            Ok(CreateOutcome::Exists)
        }
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        self.store.load(key, touch).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.store.replace(key, revision, record, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.store.delete(key).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.store.delete_if(key, revision).await
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.store.owners()
    }
}
