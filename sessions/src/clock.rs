//! The clock that tokens, expiry and deadlines are measured with.

use std::{fmt, sync::Arc, time::SystemTime};

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

    /// Returns the present time.
    pub fn now(&self) -> SystemTime {
        self.source.as_ref().map_or_else(SystemTime::now, |source| source())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.source.is_some() { "Clock(custom)" } else { "Clock(system)" })
    }
}
