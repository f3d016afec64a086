//! The time that a store has.

use std::{sync::OnceLock, time::Duration};

use tokio::time::Instant;

/// How long a store may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// For one call.
    pub(crate) call: Duration,
    /// For everything that one request asks.
    pub(crate) request: Duration,
}

impl Deadlines {
    /// What must be left for a write that had to wait. One that is cut off may be done all the
    /// same, so that a request which says that it failed would have changed the session.
    pub(crate) fn for_write(self) -> Duration {
        self.call.min(self.request) / 2
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { call: Duration::from_millis(500), request: Duration::from_secs(1) }
    }
}

/// What is left of a request's time with the store. It passes while the store is asked or a turn
/// is waited for, not while the handler works; and it begins with the first wait, or where what shares
/// it is about to begin, so that a store which answers at once is not timed.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    time: Duration,
    /// When the time is over, once it has begun.
    end: OnceLock<Instant>,
}

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        Self { time, end: OnceLock::new() }
    }

    pub(crate) fn at(end: Instant) -> Self {
        Self { time: Duration::ZERO, end: OnceLock::from(end) }
    }

    /// Begins, unless it has begun. Returns when it ends, which clones made from now on share.
    pub(crate) fn begin(&self) -> Instant {
        self.begin_at(Instant::now())
    }

    /// Returns a clone that ends at the same time: begins, unless it has begun.
    pub(crate) fn shared(&self) -> Self {
        self.begin();
        self.clone()
    }

    pub(super) fn begin_at(&self, now: Instant) -> Instant {
        *self.end.get_or_init(|| now + self.time)
    }

    pub(crate) fn left(&self) -> Duration {
        self.end.get().map_or(self.time, |end| end.saturating_duration_since(Instant::now()))
    }
}
