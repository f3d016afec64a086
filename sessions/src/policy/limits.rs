//! The limits of one session's life.

use std::time::Duration;

use super::Settings;
use crate::store::OwnLifetimes;

/// How long a session lives, by the policies and by what it has of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionLimits {
    /// The age limit of its token.
    pub(crate) lifetime: Duration,
    /// How long it may go unused.
    pub(crate) idle: Option<Duration>,
    /// How long it may last from its start.
    pub(crate) absolute: Option<Duration>,
}

impl SessionLimits {
    /// Returns how long it lives after a use.
    pub(crate) fn after_use(&self) -> Duration {
        self.idle.map_or(self.lifetime, |idle| idle.min(self.lifetime))
    }
}

impl Settings {
    /// Returns the limits of a session with these lifetimes of its own.
    pub(crate) fn limits(&self, own: OwnLifetimes) -> SessionLimits {
        if own.remembered {
            let remembered = self.remembered();
            return SessionLimits { lifetime: remembered, idle: None, absolute: Some(remembered) };
        }
        SessionLimits {
            lifetime: self.lifetime(),
            idle: self.idle_timeout(),
            absolute: self.absolute_timeout(),
        }
    }

    /// Returns the longest age limit that a token has.
    pub(crate) fn longest_lifetime(&self) -> Duration {
        self.lifetime().max(self.remembered())
    }
}
