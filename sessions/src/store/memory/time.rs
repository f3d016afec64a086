//! The clock that records expire by.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{clock::Clock, store::Timestamp};

pub(super) struct Time {
    source: Source,
    /// A test's clock, which goes on where the source was.
    followed: OnceLock<Followed>,
    /// The last timestamp of the owner index.
    last_stamp: AtomicU64,
    /// The second of the last sweep of a full store, plus one.
    last_sweep: AtomicU64,
    /// The same for a full index of owners.
    last_index_sweep: AtomicU64,
}

enum Source {
    /// Counts from this instant, at which so much time had passed since 1970. Does not jump when the host's
    /// clock is set.
    Monotonic(Instant, Duration),
    Given(Clock),
}

/// The clock of a middleware, from the moment at which the store began to follow it.
struct Followed {
    clock: Clock,
    /// What the clock told then.
    start: SystemTime,
    /// What the store's own clock told then, since 1970.
    base: Duration,
}

impl Time {
    pub(super) fn monotonic() -> Self {
        Self::of(Source::Monotonic(Instant::now(), since_1970(SystemTime::now())))
    }

    pub(super) fn by(clock: Clock) -> Self {
        Self::of(Source::Given(clock))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            followed: OnceLock::new(),
            last_stamp: AtomicU64::new(0),
            last_sweep: AtomicU64::new(0),
            last_index_sweep: AtomicU64::new(0),
        }
    }

    /// Takes the time from a middleware's clock from here on, unless a test has given the store a
    /// clock. The first middleware counts.
    pub(super) fn follow(&self, clock: &Clock) {
        if matches!(self.source, Source::Monotonic(..)) {
            self.followed.get_or_init(|| Followed {
                clock: clock.clone(),
                start: clock.now(),
                base: self.by_source(),
            });
        }
    }

    /// Returns the time since 1970.
    pub(super) fn now(&self) -> Duration {
        let Some(Followed { clock, start, base }) = self.followed.get() else {
            return self.by_source();
        };
        *base + clock.now().duration_since(*start).unwrap_or_default()
    }

    fn by_source(&self) -> Duration {
        match &self.source {
            Source::Monotonic(start, time) => *time + start.elapsed(),
            Source::Given(clock) => since_1970(clock.now()),
        }
    }

    /// Returns the present for the owner index: each timestamp once, in order.
    pub(super) fn stamp(&self) -> Timestamp {
        let now = Timestamp::of(UNIX_EPOCH + self.now()).get();
        let next = |last: u64| now.max(last.saturating_add(1));
        let last = self
            .last_stamp
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(next(last)))
            .unwrap_or_else(|last| last);
        Timestamp::new(next(last))
    }

    /// Returns the present for a record, which is not earlier than a timestamp of the owner index.
    pub(super) fn present(&self, now: Duration) -> Timestamp {
        let last = Timestamp::new(self.last_stamp.load(Ordering::Acquire));
        last.max(Timestamp::default().after(now))
    }

    /// Whether this is the first call in this second: a full store sweeps once in a second, not for
    /// every request.
    pub(super) fn may_sweep(&self) -> bool {
        self.is_first_in_a_second(&self.last_sweep)
    }

    /// The same for a full index of owners.
    pub(super) fn may_sweep_index(&self) -> bool {
        self.is_first_in_a_second(&self.last_index_sweep)
    }

    fn is_first_in_a_second(&self, last: &AtomicU64) -> bool {
        let second = self.now().as_secs() + 1;
        last.swap(second, Ordering::Relaxed) != second
    }
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
