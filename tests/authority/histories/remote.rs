//! A store on a runtime of its own: time stands still on the history's.

use std::{
    fmt,
    sync::{Arc, mpsc},
    time::Duration,
};

use sessions::store::{
    BoxFuture, CreateOutcome, DeleteIfOutcome, DeleteOutcome, Ended, Loaded, OwnerIndex, OwnerKey,
    OwnerState, Record, RecordKey, ReplaceOutcome, Revision, Store, StoreError, Timestamp, Touch,
};
use tokio::runtime::Handle;

/// A store whose calls run on another runtime. The caller's thread waits: a call is one step of a history.
pub(super) struct Remote<S> {
    store: Arc<S>,
    runtime: Handle,
}

impl<S: Store> Remote<S> {
    pub(super) fn new(store: S, runtime: Handle) -> Self {
        Self { store: Arc::new(store), runtime }
    }

    fn run<T, F>(&self, call: impl FnOnce(Arc<S>) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (sends, answer) = mpsc::channel();
        let work = call(Arc::clone(&self.store));
        self.runtime.spawn(async move {
            let _ = sends.send(work.await);
        });
        answer.recv().expect("the store does not panic")
    }
}

/// Returns the index of a store that has one.
fn index(store: &impl Store) -> &dyn OwnerIndex {
    store.owners().expect("the store has an index of owners")
}

impl<S: Store> Store for Remote<S> {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let (key, record) = (*key, record.clone());
        self.run(|store| async move { store.create(&key, &record, ttl).await })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let key = *key;
        self.run(|store| async move { store.load(&key, touch).await })
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let (key, record) = (*key, record.clone());
        self.run(|store| async move { store.replace(&key, revision, &record, ttl).await })
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let key = *key;
        self.run(|store| async move { store.delete(&key).await })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let key = *key;
        self.run(|store| async move { store.delete_if(&key, revision).await })
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.store.owners().map(|_| self as &dyn OwnerIndex)
    }
}

impl<S: Store> OwnerIndex for Remote<S> {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        let (owner, key) = (*owner, *key);
        Box::pin(async move {
            self.run(|store| async move { index(&*store).add(&owner, &key, ttl).await })
        })
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (owner, key) = (*owner, *key);
        Box::pin(async move {
            self.run(|store| async move { index(&*store).remove(&owner, &key).await })
        })
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        let owner = *owner;
        Box::pin(async move { self.run(|store| async move { index(&*store).keys(&owner).await }) })
    }

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        let owner = *owner;
        Box::pin(async move { self.run(|store| async move { index(&*store).state(&owner).await }) })
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        let owner = *owner;
        Box::pin(async move {
            self.run(|store| async move { index(&*store).end_before(&owner, up_to, ttl).await })
        })
    }
}

impl<S> fmt::Debug for Remote<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}
