//! What a record is made of, besides what it held before.

use std::{sync::Arc, time::SystemTime};

use super::open::unix_millis;
use crate::{
    error::SaveError,
    interface::unix_seconds,
    state::SessionState,
    store::{Owner, OwnerKey, Timestamp},
};

/// What a session holds, ready to be kept.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) json: Arc<str>,
    pub(super) owner: Option<OwnerKey>,
}

impl Content {
    /// Returns `None` when nothing is left.
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
}

/// Somebody logs in.
#[derive(Clone, Copy)]
pub(super) struct Login {
    pub(super) owner: OwnerKey,
    /// When the request began.
    pub(super) stamp: Timestamp,
}

impl Login {
    pub(super) fn owner(self) -> Owner {
        Owner { key: self.owner, since: self.stamp }
    }
}

/// The present, as records count it.
#[derive(Clone, Copy)]
pub(super) struct Now {
    /// Since 1970.
    pub(super) seconds: u64,
    /// Since 1970.
    pub(super) millis: u64,
}

impl Now {
    pub(super) fn at(time: SystemTime) -> Self {
        Self { seconds: unix_seconds(time), millis: unix_millis(time) }
    }
}
