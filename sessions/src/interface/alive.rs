//! Asking whether the session of a request that may be over still lives.

use std::{fmt, future::ready, time::SystemTime};

use crate::{clock::Clock, error::OpenError, policy::Settings, store::BoxFuture};

/// Whether a session still lives, once its store has told. An error says that it is not known.
pub type IsAlive = BoxFuture<'static, Result<bool, OpenError>>;

/// Returns what is known at once.
pub(crate) fn known(is_alive: bool) -> IsAlive {
    Box::pin(ready(Ok(is_alive)))
}

/// The argument of [`is_alive`](crate::backend::Backend::is_alive): the policies, the time, and how far the
/// request of the session is.
pub struct AliveContext<'r> {
    pub(crate) settings: &'r Settings,
    pub(crate) clock: &'r Clock,
    pub(crate) now: SystemTime,
    pub(crate) since: SystemTime,
    pub(crate) is_saved: bool,
}

impl<'r> AliveContext<'r> {
    /// Returns the resolved settings.
    pub fn settings(&self) -> &'r Settings {
        self.settings
    }

    /// Returns the current time.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Returns when the handler asked to be told of the end.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// Whether the session is saved. Until then a new one is in no store.
    pub fn is_saved(&self) -> bool {
        self.is_saved
    }
}

impl fmt::Debug for AliveContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliveContext")
            .field("since", &self.since)
            .field("is_saved", &self.is_saved)
            .finish_non_exhaustive()
    }
}
