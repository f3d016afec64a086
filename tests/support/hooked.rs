//! A store that asks the test before and after each operation on a record.

use std::{fmt, sync::Arc, time::Duration};

use sessions::{
    request::Clock,
    store::{
        BoxFuture, CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, NotReady, OwnerIndex,
        Record, RecordKey, ReplaceOutcome, Revision, Store, StoreError, Touch,
    },
};

/// An operation on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `create`.
    Create,
    /// `load`.
    Load,
    /// `replace`.
    Replace,
    /// `delete`.
    Delete,
    /// `delete_if`.
    DeleteIf,
}

/// Which side of the operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The store was not asked yet.
    Before,
    /// The store has done it.
    After,
}

type Hook = dyn Fn(Call, When) -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync;

/// Another store behind a hook, which may wait, fail or panic. The index of owners is the other
/// store's own.
#[derive(Clone)]
pub struct HookedStore<S> {
    inner: S,
    hook: Arc<Hook>,
    says_at_once: bool,
}

impl<S: Store> HookedStore<S> {
    /// Returns the store.
    pub fn new<F>(inner: S, hook: F) -> Self
    where
        F: Fn(Call, When) -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync + 'static,
    {
        Self { inner, hook: Arc::new(hook), says_at_once: false }
    }

    /// Says that it answers at once, whatever the hook does.
    #[must_use]
    pub fn saying_at_once(mut self) -> Self {
        self.says_at_once = true;
        self
    }

    /// Returns the store behind the hook.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    async fn call<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        (self.hook)(call, When::Before).await?;
        let done = work.await?;
        (self.hook)(call, When::After).await?;
        Ok(done)
    }
}

impl<S: Store> Store for HookedStore<S> {
    fn server(&self) -> Option<String> {
        self.inner.server()
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.inner.ready().await
    }

    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        self.call(Call::Create, self.inner.create(key, record, ttl)).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        self.call(Call::Load, self.inner.load(key, touch)).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.call(Call::Replace, self.inner.replace(key, revision, record, ttl)).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.call(Call::Delete, self.inner.delete(key)).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.call(Call::DeleteIf, self.inner.delete_if(key, revision)).await
    }

    fn answers_at_once(&self) -> bool {
        self.says_at_once
    }

    fn follow(&self, clock: &Clock) -> bool {
        self.inner.follow(clock)
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.inner.owners()
    }
}

impl<S> fmt::Debug for HookedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookedStore")
    }
}
