//! How long sessions live: by their use, and since their login.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use super::record_parts::Ttl;
use crate::{
    interface::unix_seconds,
    policy::Settings,
    store::{Record, Touch},
};

/// The times that records have from a use on.
pub(super) fn ttl(settings: &Settings) -> Ttl {
    let known =
        settings.idle_timeout().map_or(settings.lifetime(), |idle| idle.min(settings.lifetime()));
    Ttl { known, anonymous: known.min(settings.anonymous_lifetime()) }
}

/// When a use of this record starts its time again, if it does.
pub(super) fn touch(settings: &Settings, record: &Record) -> Option<Touch> {
    let ttl = ttl(settings).of(record);
    // A shorter time than the policy `lifetime` needs its uses noted more often.
    let interval = settings.touch_interval().min(ttl / 2);
    settings.sliding.then_some(Touch { ttl, interval })
}

/// Whether the session of a record is older than this `absolute_timeout`.
pub(super) fn is_past(record: &Record, timeout: Duration, now: SystemTime) -> bool {
    unix_seconds(now).saturating_sub(record.created_secs) >= timeout.as_secs()
}

/// The longest `absolute_timeout` of the services that use a backend, for what runs outside their
/// requests.
#[derive(Debug, Default)]
pub(super) struct LongestTimeout {
    /// Zero before the first request.
    secs: AtomicU64,
}

impl LongestTimeout {
    pub(super) fn note(&self, settings: &Settings) {
        let secs = settings.absolute_timeout().map_or(u64::MAX, |timeout| timeout.as_secs());
        if self.secs.load(Ordering::Relaxed) < secs {
            self.secs.fetch_max(secs, Ordering::Relaxed);
        }
    }

    /// Whether no service would open this session any more.
    pub(super) fn is_past(&self, record: &Record, now: SystemTime) -> bool {
        match self.secs.load(Ordering::Relaxed) {
            0 => false,
            secs => is_past(record, Duration::from_secs(secs), now),
        }
    }
}
