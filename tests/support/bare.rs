//! A store with the five operations and nothing else.

use std::time::Duration;

use sessions::{
    MemoryStore,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, Record, RecordKey, ReplaceOutcome,
        Revision, Store, StoreError, Touch,
    },
};

/// A store that has no index of owners and follows no test's clock, as one of an application may be.
#[derive(Debug)]
pub struct BareStore(MemoryStore);

impl BareStore {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self(MemoryStore::new())
    }
}

impl Default for BareStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for BareStore {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        self.0.create(key, record, ttl).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        self.0.load(key, touch).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.0.replace(key, revision, record, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.0.delete(key).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.0.delete_if(key, revision).await
    }
}
