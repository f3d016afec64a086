//! Moments that a process gives once each, so that *before* and *after* have no third case.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{clock::Clock, store::Stamp};

#[derive(Debug, Default)]
pub(super) struct Stamps {
    last: AtomicU64,
    /// The middleware's clock, known from the first request on.
    clock: OnceLock<Clock>,
}

impl Stamps {
    /// Stamps the beginning of a request.
    pub(super) fn of_request(&self, clock: &Clock, now: SystemTime) -> Stamp {
        self.clock.get_or_init(|| clock.clone());
        self.next(now)
    }

    /// Stamps what happens now.
    pub(super) fn now(&self) -> Stamp {
        self.next(self.time())
    }

    pub(super) fn time(&self) -> SystemTime {
        self.clock.get().map_or_else(SystemTime::now, Clock::now)
    }

    fn next(&self, now: SystemTime) -> Stamp {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let after = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self
            .last
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, after)
            .unwrap_or_else(|last| last);
        Stamp::new(now.max(last.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::Stamps;
    use crate::clock::Clock;

    #[test]
    fn no_moment_is_given_twice_even_when_the_clock_stands_or_goes_back() {
        let stamps = Stamps::default();
        let clock = Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(3));
        let first = stamps.of_request(&clock, clock.now());
        let second = stamps.of_request(&clock, UNIX_EPOCH);
        let third = stamps.now();
        assert!(first < second && second < third);
        assert_eq!(first.get(), 3_000_000);
    }
}
