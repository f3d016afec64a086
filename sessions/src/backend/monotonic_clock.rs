//! A clock that gives each moment once, so that of two timestamps one is always the earlier.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{clock::Clock, store::Timestamp};

/// The middleware's clock, except that it neither stands still nor goes back.
#[derive(Debug, Default)]
pub(super) struct MonotonicClock {
    /// In microseconds since 1970.
    last: AtomicU64,
    /// The middleware's clock, known from the first request on.
    clock: OnceLock<Clock>,
}

impl MonotonicClock {
    /// Returns the timestamp of a request that begins.
    pub(super) fn request_start(&self, clock: &Clock, now: SystemTime) -> Timestamp {
        self.clock.get_or_init(|| clock.clone());
        self.next(now)
    }

    /// Returns the timestamp of this moment.
    pub(super) fn now(&self) -> Timestamp {
        self.next(self.time())
    }

    /// Returns the present time, which may be the same twice.
    pub(super) fn time(&self) -> SystemTime {
        self.clock.get().map_or_else(SystemTime::now, Clock::now)
    }

    fn next(&self, now: SystemTime) -> Timestamp {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let after = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self
            .last
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, after)
            .unwrap_or_else(|last| last);
        Timestamp::new(now.max(last.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::MonotonicClock;
    use crate::clock::Clock;

    #[test]
    fn no_moment_is_given_twice_even_when_the_clock_stands_or_goes_back() {
        let clock = Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(3));
        let timestamps = MonotonicClock::default();
        let first = timestamps.request_start(&clock, clock.now());
        let second = timestamps.request_start(&clock, UNIX_EPOCH);
        let third = timestamps.now();
        assert!(first < second && second < third);
        assert_eq!(first.get(), 3_000_000);
    }
}
