//! The `absolute_timeout` of the services whose sessions a backend keeps, for what runs outside their
//! requests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use crate::{interface::unix_seconds, policy::Settings, store::Record};

/// The longest that any of them has, in seconds. Zero before the first request.
#[derive(Debug, Default)]
pub(super) struct Limits {
    longest: AtomicU64,
}

impl Limits {
    pub(super) fn note(&self, settings: &Settings) {
        let limit = settings.absolute_timeout().map_or(u64::MAX, |limit| limit.as_secs());
        if self.longest.load(Ordering::Relaxed) < limit {
            self.longest.fetch_max(limit, Ordering::Relaxed);
        }
    }

    /// Whether no service would open this session any more.
    pub(super) fn end(&self, record: &Record, now: SystemTime) -> bool {
        match self.longest.load(Ordering::Relaxed) {
            0 => false,
            limit => is_past(record, Duration::from_secs(limit), now),
        }
    }
}

pub(super) fn is_past(record: &Record, limit: Duration, now: SystemTime) -> bool {
    unix_seconds(now).saturating_sub(record.created_secs) >= limit.as_secs()
}
