//! A place where a handler waits until the test lets it go on.

use tokio::sync::Notify;

/// Orders a slow request against the rest of a test, without a clock.
#[derive(Debug, Default)]
pub struct Gate {
    arrived: Notify,
    opened: Notify,
}

impl Gate {
    /// Says that the handler is here, then waits for [`Gate::open`].
    pub async fn pass(&self) {
        self.arrived.notify_one();
        self.opened.notified().await;
    }

    /// Waits until the handler is at the gate.
    pub async fn arrival(&self) {
        self.arrived.notified().await;
    }

    /// Lets the handler go on.
    pub fn open(&self) {
        self.opened.notify_one();
    }
}
