//! The parts of a record that is to be written.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::ServerSide;
use crate::{
    error::SaveError,
    policy::PolicyLimits,
    state::SessionState,
    store::{OwnLifetimes, Owner, OwnerKey, Record, Store, Timestamp},
};

/// The content of a session, as its record holds it.
#[derive(Clone)]
pub(super) struct Payload {
    pub(super) json: Arc<str>,
    pub(super) owner: Option<OwnerKey>,
    pub(super) lifetimes: OwnLifetimes,
}

impl<S: Store> ServerSide<S> {
    /// Returns the payload of a session: `None` for an empty one.
    pub(super) fn payload(&self, state: &SessionState) -> Result<Option<Payload>, SaveError> {
        if !state.is_empty() {
            self.check_length(state, state.opened_len())?;
        }
        Ok(self.unchecked_payload(state))
    }

    /// Like [`payload`](Self::payload), for a session whose length is checked.
    pub(super) fn unchecked_payload(&self, state: &SessionState) -> Option<Payload> {
        let owner = state.owner().map(|id| self.owner_key(&id));
        let lifetimes = state.own_lifetimes();
        (!state.is_empty()).then(|| Payload { json: state.to_json().into(), owner, lifetimes })
    }
}

impl<S: Store> ServerSide<S> {
    /// Fails when the session is too large, unless it was larger still: it had so many bytes.
    pub(super) fn check_length(&self, state: &SessionState, had: usize) -> Result<(), SaveError> {
        let (length, limit) = (state.json_len(), self.max_payload);
        if length <= limit.max(had) {
            return Ok(());
        }
        let largest_key = state.largest_key().map(Into::into);
        Err(SaveError::PayloadTooLarge { length, limit, largest_key })
    }
}

impl Payload {
    /// Returns the record with this content in place of `base`: the same session, with the same token
    /// and login.
    pub(super) fn replacing(&self, base: &Record) -> Record {
        // An owner comes with a login only, which sets it afterwards.
        let owner = base.owner.filter(|owner| self.owner == Some(owner.key));
        let (payload, lifetimes) = (Arc::clone(&self.json), self.lifetimes);
        Record { payload, lifetimes, owner, ..base.clone() }
    }
}

/// A login that its owner's index holds.
#[derive(Clone, Copy)]
pub(super) struct Login {
    pub(super) owner: OwnerKey,
    /// When the request of the login began, by the store's clock.
    pub(super) since: Timestamp,
    pub(super) indexed_until: Timestamp,
    /// When the index answered, by the store's clock, if the store has an index.
    pub(super) now: Option<Timestamp>,
}

impl Login {
    pub(super) fn owner(self) -> Owner {
        let Self { owner: key, since, indexed_until, .. } = self;
        Owner { key, since, indexed_until }
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
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let secs = since.as_secs();
        let millis = secs.saturating_mul(1_000).saturating_add(since.subsec_millis().into());
        Self { secs, millis }
    }

    pub(super) fn timestamp(self) -> Timestamp {
        Timestamp::new(self.millis.saturating_mul(1_000))
    }
}

/// How long records live after a use.
#[derive(Clone, Copy)]
pub(super) struct Ttl {
    /// The most of a session that any client could have made.
    pub(super) anonymous: Duration,
    pub(super) limits: PolicyLimits,
}

impl Ttl {
    pub(super) fn of(self, record: &Record) -> Duration {
        let known = self.of_known(record.lifetimes);
        if record.is_anonymous() { known.min(self.anonymous) } else { known }
    }

    /// Returns the time of a session that is no visitor's.
    pub(super) fn of_known(self, own: OwnLifetimes) -> Duration {
        self.limits.of(own).after_use()
    }

    /// Sets the time that a record is written for, and returns it: no longer than its owner's index holds
    /// it, which is until `indexed_until` or what the record says.
    pub(super) fn set(
        self,
        record: &mut Record,
        now: Timestamp,
        indexed_until: Timestamp,
    ) -> Duration {
        let mut ttl = self.of(record);
        if let Some(owner) = &mut record.owner {
            owner.indexed_until = owner.indexed_until.max(indexed_until);
            ttl = ttl.min(owner.indexed_until.since(now)).max(Duration::from_millis(1));
        }
        record.ttl_secs = ttl.as_secs();
        ttl
    }
}
