//! Writers of a database that takes one at a time queue here instead of there.
//!
//! SQLite has those who come too early try again after a while: the one who tried last may be the
//! first, and the one who waited for longest run out of time.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The order of the writers of one pool, where there is one.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Option<Arc<Semaphore>>);

impl Turns {
    pub(crate) fn new(one_writes: bool) -> Self {
        Self(one_writes.then(|| Arc::new(Semaphore::new(1))))
    }

    /// Waits for those who asked before. The turn ends when it is dropped.
    pub(crate) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let turns = Arc::clone(self.0.as_ref()?);
        Some(turns.acquire_owned().await.expect("nobody closes the semaphore"))
    }
}

/// Who only reads waits for nobody.
pub(crate) fn none_needed() -> Ready<Option<OwnedSemaphorePermit>> {
    ready(None)
}
