//! The clock that records expire by.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::clock::Clock;

pub(super) struct Time {
    source: Source,
    /// The second of the last sweep of a full store, plus one.
    last_sweep: AtomicU64,
}

enum Source {
    /// The time since this instant. Does not jump when the host's clock is set.
    Monotonic(Instant),
    Given(Clock),
}

impl Time {
    pub(super) fn monotonic() -> Self {
        Self { source: Source::Monotonic(Instant::now()), last_sweep: AtomicU64::new(0) }
    }

    pub(super) fn by(clock: Clock) -> Self {
        Self { source: Source::Given(clock), last_sweep: AtomicU64::new(0) }
    }

    /// Returns the time since an arbitrary start.
    pub(super) fn now(&self) -> Duration {
        match &self.source {
            Source::Monotonic(start) => start.elapsed(),
            Source::Given(clock) => {
                let now: SystemTime = clock.now();
                now.duration_since(UNIX_EPOCH).unwrap_or_default()
            }
        }
    }

    /// Whether this is the first call in this second: a full store sweeps once in a second, not for
    /// every request.
    pub(super) fn is_first_in_a_second(&self) -> bool {
        let second = self.now().as_secs() + 1;
        self.last_sweep.swap(second, Ordering::Relaxed) != second
    }
}
