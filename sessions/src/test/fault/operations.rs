//! The operations of a store, each run as planned.

use std::time::Duration;

use super::{super::operation::Operation, FaultStore};
use crate::{
    clock::Clock,
    store::{
        BoxFuture, CreateOutcome, DeleteIfOutcome, DeleteOutcome, Ended, Loaded, NotReady,
        OwnerIndex, OwnerKey, OwnerState, Record, RecordKey, ReplaceOutcome, Revision, Store,
        StoreError, Timestamp, Touch,
    },
};

impl<S: Store> Store for FaultStore<S> {
    fn server(&self) -> Option<String> {
        self.inner().server()
    }

    async fn ready(&self) -> Result<(), NotReady> {
        let call = async { Ok(self.store.ready().await) };
        self.run(Operation::Ready, call).await?
    }

    fn follow(&self, clock: &Clock) -> bool {
        self.inner().follow(clock)
    }

    fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> impl Future<Output = Result<CreateOutcome, StoreError>> + Send {
        self.run(Operation::Create, self.store.create(key, record, ttl))
    }

    fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> impl Future<Output = Result<Option<Loaded>, StoreError>> + Send {
        self.run(Operation::Load, self.store.load(key, touch))
    }

    fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> impl Future<Output = Result<ReplaceOutcome, StoreError>> + Send {
        self.run(Operation::Replace, self.store.replace(key, revision, record, ttl))
    }

    fn delete(
        &self,
        key: &RecordKey,
    ) -> impl Future<Output = Result<DeleteOutcome, StoreError>> + Send {
        self.run(Operation::Delete, self.store.delete(key))
    }

    fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> impl Future<Output = Result<DeleteIfOutcome, StoreError>> + Send {
        self.run(Operation::DeleteIf, self.store.delete_if(key, revision))
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.store.owners().map(|_| self as &dyn OwnerIndex)
    }
}

impl<S: Store> OwnerIndex for FaultStore<S> {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        // In an `async` block, so that a store that acts before its future is polled does not act
        // before its fault.
        let call = async move { self.index().add(owner, key, ttl).await };
        Box::pin(self.run(Operation::IndexAdd, call))
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let call = async move { self.index().remove(owner, key).await };
        Box::pin(self.run(Operation::IndexRemove, call))
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        let call = async move { self.index().keys(owner).await };
        Box::pin(self.run(Operation::IndexKeys, call))
    }

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        let call = async move { self.index().state(owner).await };
        Box::pin(self.run(Operation::OwnerState, call))
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        let call = async move { self.index().end_before(owner, up_to, ttl).await };
        Box::pin(self.run(Operation::EndBefore, call))
    }
}
