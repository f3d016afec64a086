//! A fair lock for the writers of a database that accepts one writer at a time.
//!
//! SQLite makes a writer that finds the database locked retry after a while: the last writer to retry
//! may be served first, and the writer that has waited longest may time out.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The lock of one pool, where the database needs it. Writers get it in the order of their requests.
#[derive(Clone, Debug)]
pub(crate) struct WriterLock(Option<Arc<Semaphore>>);

impl WriterLock {
    pub(crate) fn new(single_writer: bool) -> Self {
        Self(single_writer.then(|| Arc::new(Semaphore::new(1))))
    }

    /// Waits for the writers that asked before. The lock is held until the permit is dropped.
    pub(crate) async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        let semaphore = Arc::clone(self.0.as_ref()?);
        Some(semaphore.acquire_owned().await.expect("the semaphore is never closed"))
    }
}

/// Returns at once, without a permit: readers need none.
pub(crate) fn no_lock() -> Ready<Option<OwnedSemaphorePermit>> {
    ready(None)
}
