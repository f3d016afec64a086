//! A store whose calls wait, and tell what they did.

use std::{fmt, sync::Arc, time::Duration};

use sessions::store::{
    BoxFuture, CreateOutcome, DeleteIfOutcome, DeleteOutcome, Ended, Loaded, OwnerIndex, OwnerKey,
    OwnerState, Record, RecordKey, ReplaceOutcome, Revision, Store, StoreError, Timestamp, Touch,
};

use super::{
    event::{Kept, What},
    stops::Stops,
};

/// A store behind [`Stops`].
pub(super) struct StoppedStore<S> {
    inner: Arc<S>,
    stops: Arc<Stops>,
    writes_at_once: bool,
}

impl<S: Store> StoppedStore<S> {
    pub(super) fn new(inner: S, stops: Arc<Stops>, writes_at_once: bool) -> Self {
        Self { inner: Arc::new(inner), stops, writes_at_once }
    }

    async fn write<T>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
        told: impl FnOnce(&T) -> Option<What> + Send,
    ) -> Result<T, StoreError> {
        if self.writes_at_once {
            return self.stops.call_at_once(work, told).await;
        }
        self.stops.call(name, work, told).await
    }

    fn index(&self) -> &dyn OwnerIndex {
        self.inner.owners().expect("the store has an index of owners")
    }
}

impl<S: Store> Store for StoppedStore<S> {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let number = self.stops.number(key);
        let told = |done: &CreateOutcome| {
            let created = What::Created { key: number, record: Kept::of(record), ttl };
            matches!(done, CreateOutcome::Created(_)).then_some(created)
        };
        let work = self.inner.create(key, record, ttl);
        self.write(&format!("create r{number}"), work, told).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let number = self.stops.number(key);
        let told = |loaded: &Option<Loaded>| {
            let record = loaded.as_ref().map(|loaded| Kept::of(&loaded.record));
            let expires_in = loaded.as_ref().map_or(Duration::ZERO, |loaded| loaded.expires_in);
            Some(What::Loaded { key: number, record, expires_in })
        };
        let work = self.inner.load(key, touch);
        self.stops.call(&format!("load r{number}"), work, told).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let number = self.stops.number(key);
        let told = |done: &ReplaceOutcome| {
            let replaced = What::Replaced { key: number, record: Kept::of(record), ttl };
            matches!(done, ReplaceOutcome::Replaced(_)).then_some(replaced)
        };
        let work = self.inner.replace(key, revision, record, ttl);
        self.write(&format!("replace r{number}"), work, told).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let number = self.stops.number(key);
        let told = |done: &DeleteOutcome| {
            (*done == DeleteOutcome::Deleted).then_some(What::Deleted { key: number })
        };
        self.stops.call(&format!("delete r{number}"), self.inner.delete(key), told).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let number = self.stops.number(key);
        let told = |done: &DeleteIfOutcome| {
            (*done == DeleteIfOutcome::Deleted).then_some(What::Deleted { key: number })
        };
        let work = self.inner.delete_if(key, revision);
        self.stops.call(&format!("delete r{number} if unchanged"), work, told).await
    }

    // Loads wait, so that others write between the opening of a session and a write at once.
    fn answers_at_once(&self) -> bool {
        self.writes_at_once
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.inner.owners().map(|_| self as &dyn OwnerIndex)
    }
}

impl<S: Store> OwnerIndex for StoppedStore<S> {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        let name = format!("index adds r{}", self.stops.number(key));
        let work = async move { self.index().add(owner, key, ttl).await };
        Box::pin(async move { self.stops.call(&name, work, |_| None).await })
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let name = format!("index removes r{}", self.stops.number(key));
        let work = async move { self.index().remove(owner, key).await };
        Box::pin(async move { self.stops.call(&name, work, |()| None).await })
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        let work = async move {
            let mut keys = self.index().keys(owner).await?;
            // Keys are random: the order of a history must not be.
            keys.sort_by_cached_key(|key| self.stops.number(key));
            Ok(keys)
        };
        Box::pin(async move { self.stops.call("index lists", work, |_| None).await })
    }

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        let work = async move { self.index().state(owner).await };
        let told = |state: &OwnerState| Some(What::Looked { now: state.now });
        Box::pin(async move { self.stops.call("index looks", work, told).await })
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        let work = async move { self.index().end_before(owner, up_to, ttl).await };
        let told = move |_: &Ended| Some(What::Ended { owner: *owner, up_to });
        Box::pin(async move { self.stops.call("index ends", work, told).await })
    }
}

impl<S> Clone for StoppedStore<S> {
    fn clone(&self) -> Self {
        let (inner, stops) = (Arc::clone(&self.inner), Arc::clone(&self.stops));
        Self { inner, stops, writes_at_once: self.writes_at_once }
    }
}

impl<S> fmt::Debug for StoppedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoppedStore")
    }
}
