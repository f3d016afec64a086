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

/// The limits by the policies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PolicyLimits {
    remembered: SessionLimits,
    /// Of sessions that are not remembered.
    others: SessionLimits,
}

impl PolicyLimits {
    /// Returns the limits of a session with these lifetimes of its own, which shorten those of the policies.
    pub(crate) fn of(self, own: OwnLifetimes) -> SessionLimits {
        let policies = if own.remembered { self.remembered } else { self.others };
        SessionLimits {
            lifetime: policies.lifetime,
            idle: shorter(policies.idle, own.idle()),
            absolute: shorter(policies.absolute, own.absolute()),
        }
    }
}

impl Settings {
    /// Returns the limits by the policies.
    pub(crate) fn policy_limits(&self) -> PolicyLimits {
        let remembered = self.remembered();
        PolicyLimits {
            remembered: SessionLimits {
                lifetime: remembered,
                idle: None,
                absolute: Some(remembered),
            },
            others: SessionLimits {
                lifetime: self.lifetime(),
                idle: self.idle_timeout(),
                absolute: self.absolute_timeout(),
            },
        }
    }

    /// Returns the limits of a session with these lifetimes of its own.
    pub(crate) fn limits(&self, own: OwnLifetimes) -> SessionLimits {
        self.policy_limits().of(own)
    }

    /// Returns how much of the time since the last use must have passed before a use of such a session is
    /// noted: no more than half of its own idle timeout.
    pub(crate) fn touch_interval_of(&self, own: OwnLifetimes) -> Duration {
        let interval = self.touch_interval();
        own.idle().map_or(interval, |idle| interval.min(idle / 2))
    }

    /// Returns the longest age limit that a token has.
    pub(crate) fn longest_lifetime(&self) -> Duration {
        self.lifetime().max(self.remembered())
    }
}

/// Returns the shorter of two limits, where there are two.
pub(crate) fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
