//! A gate where a call of a store waits until the test opens it.

use std::{fmt, pin::pin, sync::Arc};

use futures_util::future::{Either, join, select};
use tokio::sync::Semaphore;

use super::operation::Operation;

/// When a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the store does it: it will see what other calls do meanwhile.
    Before(Operation),
    /// After the store did it, before it answers: it has not seen what other calls do meanwhile.
    After(Operation),
}

impl Moment {
    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Before(operation) | Self::After(operation) => operation,
        }
    }
}

/// Holds one call, chosen with [`FaultStore::hold`](super::FaultStore::hold), until it is opened or
/// dropped.
#[must_use = "a gate that is dropped holds nothing"]
pub struct Gate {
    moment: Moment,
    latch: Arc<Latch>,
}

/// Where the call and the test wait for each other. The semaphores have no permits: one that is closed
/// is an event that has happened.
pub(super) struct Latch {
    reached: Semaphore,
    opened: Semaphore,
}

impl Latch {
    pub(super) async fn pass(&self) {
        self.reached.close();
        let _ = self.opened.acquire().await;
    }
}

impl Gate {
    pub(super) fn new(moment: Moment) -> Self {
        let latch = Latch { reached: Semaphore::new(0), opened: Semaphore::new(0) };
        Self { moment, latch: Arc::new(latch) }
    }

    pub(super) fn latch(&self) -> Arc<Latch> {
        Arc::clone(&self.latch)
    }

    /// Waits until the call is held.
    pub async fn reached(&self) {
        let _ = self.latch.reached.acquire().await;
    }

    /// Lets the call continue.
    pub fn open(&self) {
        self.latch.opened.close();
    }

    pub(super) async fn overtake<A, B>(
        self,
        slow: impl Future<Output = A>,
        fast: impl Future<Output = B>,
    ) -> (A, B) {
        let mut slow = pin!(slow);
        if let Either::Left(_) = select(slow.as_mut(), pin!(self.reached())).await {
            panic!("the slow request ended and was never held: {:?}", self.moment);
        }
        let fast = async {
            let fast = fast.await;
            self.open();
            fast
        };
        join(slow, fast).await
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("moment", &self.moment).finish_non_exhaustive()
    }
}
