//! The parts of a record that is to be written.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    error::SaveError,
    interface::unix_seconds,
    state::SessionState,
    store::{Owner, OwnerKey, Record, Timestamp},
};

/// The content of a session, as its record holds it.
#[derive(Clone)]
pub(super) struct Payload {
    pub(super) json: Arc<str>,
    pub(super) owner: Option<OwnerKey>,
}

impl Payload {
    /// Returns `None` for an empty session.
    pub(super) fn of(state: &SessionState, limit: usize) -> Result<Option<Self>, SaveError> {
        if state.is_empty() {
            return Ok(None);
        }
        let json = state.to_json();
        if json.len() > limit {
            let largest_key = state.largest_key().map(Into::into);
            return Err(SaveError::PayloadTooLarge { length: json.len(), limit, largest_key });
        }
        let owner = state.owner().map(|id| OwnerKey::of_id(&id));
        Ok(Some(Self { json: json.into(), owner }))
    }

    /// Returns the record with this content in place of `base`: the same session, with the same
    /// token and login.
    pub(super) fn replacing(&self, base: &Record, ttl: Duration) -> Record {
        let owner = self.owner.map(|key| match base.owner {
            Some(owner) if owner.key == key => owner,
            // Another owner comes with a login. Without one, `end_all` takes the session for an old one.
            _ => Owner { key, since: Timestamp::new(0) },
        });
        Record { payload: Arc::clone(&self.json), ttl_secs: ttl.as_secs(), owner, ..*base }
    }
}

/// A login.
#[derive(Clone, Copy)]
pub(super) struct Login {
    pub(super) owner: OwnerKey,
    /// When the request began.
    pub(super) since: Timestamp,
}

impl Login {
    pub(super) fn owner(self) -> Owner {
        Owner { key: self.owner, since: self.since }
    }
}

/// The present, as records count it: since 1970.
#[derive(Clone, Copy)]
pub(super) struct RecordTime {
    pub(super) secs: u64,
    pub(super) millis: u64,
}

impl RecordTime {
    pub(super) fn at(time: SystemTime) -> Self {
        Self { secs: unix_seconds(time), millis: unix_millis(time) }
    }
}

pub(super) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
