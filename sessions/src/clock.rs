//! The clock that tokens, expiry and deadlines are measured with.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// The source of the middleware's time: the operating system's clock, or a test's.
#[derive(Clone, Default)]
pub struct Clock {
    source: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
}

impl Clock {
    /// Returns the operating system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// Returns a clock that asks `source`.
    pub fn from_fn(source: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)) }
    }

    /// Starts to measure a time, from this moment, which the clock has just told.
    pub(crate) fn stopwatch(&self, now: SystemTime) -> Stopwatch {
        let monotonic = self.source.is_none().then(Instant::now);
        Stopwatch { clock: self.clone(), start: now, monotonic }
    }

    /// Returns a function that tells the present time and runs no code of the application: a source
    /// is asked at once.
    pub(crate) fn asked_first(&self) -> impl FnOnce() -> SystemTime + use<> {
        let told = self.source.as_ref().map(|source| source());
        move || told.unwrap_or_else(SystemTime::now)
    }

    /// Returns the present time.
    pub fn now(&self) -> SystemTime {
        self.source.as_ref().map_or_else(SystemTime::now, |source| source())
    }
}

/// Measures how long something takes.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    clock: Clock,
    start: SystemTime,
    /// Of the operating system's clocks, the one that is never set.
    monotonic: Option<Instant>,
}

impl Stopwatch {
    /// Returns the time since the start: the larger of what the two clocks of the operating system say,
    /// since one may be set back and the other may stand still while the host sleeps.
    pub(crate) fn elapsed(&self) -> Duration {
        let by_clock = self.clock.now().duration_since(self.start).unwrap_or_default();
        self.monotonic.map_or(by_clock, |start| by_clock.max(start.elapsed()))
    }
}

impl Stopwatch {
    /// Returns the time since the start by a clock that is never set, where there is one.
    pub(crate) fn elapsed_steadily(&self) -> Duration {
        self.monotonic.map_or_else(|| self.elapsed(), |start| start.elapsed())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.source.is_some() { "Clock(custom)" } else { "Clock(system)" })
    }
}
