//! How long sessions live: by their use, and since their login.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use super::record_parts::Ttl;
use crate::{
    interface::unix_seconds,
    policy::{Settings, shorter},
    store::{Loaded, Record, Touch},
};

/// The times that records have from a use on.
pub(super) fn ttl(settings: &Settings) -> Ttl {
    Ttl { anonymous: settings.anonymous_lifetime(), limits: settings.policy_limits() }
}

/// When a use of this record starts its time again, if it does. One that was written for a longer time than
/// the policies have now starts that again, so that its last use is known: [`is_unused_for_long`] limits it.
pub(super) fn touch(settings: &Settings, record: &Record) -> Option<Touch> {
    let ttl = ttl(settings).of(record);
    // A shorter time than the policy `lifetime` needs its uses noted more often.
    let interval = settings.touch_interval().min(ttl / 2);
    let is_sliding = settings.sliding || record.lifetimes.idle().is_some();
    let ttl = ttl.max(Duration::from_secs(record.ttl_secs));
    is_sliding.then_some(Touch { ttl, interval })
}

/// Whether the time after its last use is over by the policies as they are now: the record may have been
/// written for a longer one.
pub(super) fn is_unused_for_long(settings: &Settings, loaded: &Loaded) -> bool {
    let Loaded { record, expires_in, .. } = loaded;
    let unused_for = Duration::from_secs(record.ttl_secs).saturating_sub(*expires_in);
    unused_for >= ttl(settings).of(record)
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
        let own = record.lifetimes;
        let longest = if own.remembered { &self.remembered_secs } else { &self.secs };
        let longest = match longest.load(Ordering::Relaxed) {
            0 => None,
            secs => Some(Duration::from_secs(secs)),
        };
        let limit = shorter(longest, own.absolute());
        limit.is_some_and(|limit| is_older(record, limit.as_secs(), now))
    }
}
