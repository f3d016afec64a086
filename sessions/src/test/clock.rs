//! A clock that a test sets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::clock::Clock;

/// A clock that stands still until a test moves it. Clones share the time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sessions::test::TestClock;
///
/// let time = TestClock::new();
/// let clock = time.clock();
/// let before = clock.now();
/// time.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().duration_since(before).unwrap(), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct TestClock {
    seconds: Arc<AtomicU64>,
}

impl TestClock {
    /// Returns a clock at the first second of the year 2026, UTC.
    pub fn new() -> Self {
        Self { seconds: Arc::new(AtomicU64::new(1_767_225_600)) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    /// Moves the clock back.
    pub fn go_back(&self, by: Duration) {
        self.seconds.fetch_sub(by.as_secs(), Ordering::SeqCst);
    }

    /// Returns the present time.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }

    /// Returns the clock for
    /// [`SessionMiddleware::with_clock`](crate::SessionMiddleware::with_clock).
    pub fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}
