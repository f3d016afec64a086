//! The time that a store has.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::error::ConfigError;

/// How long a store may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// For one call.
    pub(crate) call: Duration,
    /// For all calls of one request.
    pub(crate) request: Duration,
}

impl Deadlines {
    /// Checks that a call can be answered in time.
    pub(crate) fn check(self) -> Result<(), ConfigError> {
        for (deadline, method) in
            [(self.call, "with_call_deadline"), (self.request, "with_request_deadline")]
        {
            if deadline.is_zero() {
                let problem = format!(
                    "`{method}` is zero, so that every call of the store fails; write one such as \
                     `Duration::from_millis(500)`"
                );
                return Err(ConfigError::Unusable { problem });
            }
        }
        Ok(())
    }

    /// Returns the time that must be left for a write that had to wait. The store may complete a call
    /// that is cut off, and a request that reports a failure would have changed the session.
    pub(crate) fn for_write(self) -> Duration {
        self.call.min(self.request) / 2
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { call: Duration::from_millis(500), request: Duration::from_secs(1) }
    }
}

/// No request waits for longer, and a clock can show when it ends.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A request's time with the store. It passes while the request waits for the store or for the lock of
/// a record, not while the handler works. It starts with the first wait, or before work that is to
/// share it, so that a store which answers at once is not timed. What a busy worker takes away is
/// [given back](Self::extend).
#[derive(Debug)]
pub(crate) struct Deadline {
    time: Duration,
    /// When the time ends, once it has started.
    end: OnceLock<Instant>,
    /// What was given back, in nanoseconds.
    extension: AtomicU64,
}

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        Self { time, end: OnceLock::new(), extension: AtomicU64::new(0) }
    }

    pub(crate) fn at(end: Instant) -> Self {
        let end = OnceLock::from(end);
        Self { time: Duration::ZERO, end, extension: AtomicU64::new(0) }
    }

    /// Starts the time, unless it has started. Returns its end, which clones made from now on share.
    pub(crate) fn begin(&self) -> Instant {
        self.begin_at(Instant::now())
    }

    /// Starts the time, unless it has started, and returns a clone with the same end.
    pub(crate) fn shared(&self) -> Self {
        self.begin();
        self.clone()
    }

    pub(super) fn begin_at(&self, now: Instant) -> Instant {
        *self.end.get_or_init(|| now + self.time) + self.extension()
    }

    pub(crate) fn left(&self) -> Duration {
        self.end.get().map_or(self.time, |end| {
            (*end + self.extension()).saturating_duration_since(Instant::now())
        })
    }

    /// Gives back time that the request did not wait for the store: its worker was busy with others.
    pub(crate) fn extend(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.extension.fetch_add(nanos, Ordering::Relaxed);
    }

    fn extension(&self) -> Duration {
        Duration::from_nanos(self.extension.load(Ordering::Relaxed))
    }
}

impl Clone for Deadline {
    fn clone(&self) -> Self {
        let extension = AtomicU64::new(self.extension.load(Ordering::Relaxed));
        Self { time: self.time, end: self.end.clone(), extension }
    }
}
