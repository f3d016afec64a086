//! How long sessions live: by their use, and since their login.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use super::record_parts::Ttl;
use crate::{
    interface::unix_seconds,
    policy::Settings,
    store::{OwnLifetimes, Record, Touch},
};

/// The times that records have from a use on.
pub(super) fn ttl(settings: &Settings) -> Ttl {
    let after_use = |own| settings.limits(own).after_use();
    Ttl {
        known: after_use(OwnLifetimes::default()),
        remembered: after_use(OwnLifetimes { remembered: true }),
        anonymous: settings.anonymous_lifetime(),
    }
}

/// When a use of this record starts its time again, if it does.
pub(super) fn touch(settings: &Settings, record: &Record) -> Option<Touch> {
    let ttl = ttl(settings).of(record);
    // A shorter time than the policy `lifetime` needs its uses noted more often.
    let interval = settings.touch_interval().min(ttl / 2);
    settings.sliding.then_some(Touch { ttl, interval })
}

/// Whether the session of a record has lasted for as long as it may, however much it is used.
pub(super) fn is_past(settings: &Settings, record: &Record, now: SystemTime) -> bool {
    let limit = settings.limits(record.lifetimes).absolute;
    limit.is_some_and(|limit| is_older(record, limit.as_secs(), now))
}

fn is_older(record: &Record, secs: u64, now: SystemTime) -> bool {
    unix_seconds(now).saturating_sub(record.created_secs) >= secs
}

/// The longest limits of the services that use a backend, for what runs outside their requests.
#[derive(Debug, Default)]
pub(super) struct LongestTimeout {
    /// Zero before the first request.
    secs: AtomicU64,
    remembered_secs: AtomicU64,
}

impl LongestTimeout {
    pub(super) fn note(&self, settings: &Settings) {
        let secs = settings.absolute_timeout().map_or(u64::MAX, |timeout| timeout.as_secs());
        for (longest, secs) in
            [(&self.secs, secs), (&self.remembered_secs, settings.remembered().as_secs())]
        {
            if longest.load(Ordering::Relaxed) < secs {
                longest.fetch_max(secs, Ordering::Relaxed);
            }
        }
    }

    /// Whether no service would open this session any more.
    pub(super) fn is_past(&self, record: &Record, now: SystemTime) -> bool {
        let remembered = record.lifetimes.remembered;
        let longest = if remembered { &self.remembered_secs } else { &self.secs };
        match longest.load(Ordering::Relaxed) {
            0 => false,
            secs => is_older(record, secs, now),
        }
    }
}
