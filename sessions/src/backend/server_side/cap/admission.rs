//! The places of logins that are under way, so that no two logins take one place.
//!
//! They stand in one record for each owner, which hosts write by compare-and-set, and which lives for
//! seconds. A login looks for a place among them and the owner's sessions, takes it, writes its session,
//! which then counts by itself, and gives the place back. One that was cut off holds its place until no
//! call of it can be under way any more.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    super::{
        ServerSide,
        owner_index::SLACK,
        write::{MAX_TRIES, backoff},
    },
    Above, Cap,
};
use crate::{
    backend::circuit_breaker::{Deadline, Write},
    error::SaveError,
    events::event,
    store::{
        CreateOutcome, Epoch, OwnLifetimes, OwnerKey, Purpose, Record, RecordKey, ReplaceOutcome,
        Revision, Store, StoreError, Timestamp, VerifierHash,
    },
};

/// The place of one login.
#[derive(Clone, Debug)]
#[must_use = "a place that is not given back is taken for seconds"]
pub(crate) struct Admission {
    places: RecordKey,
    login: RecordKey,
    until: Timestamp,
}

impl Admission {
    /// Whether another login may have the place by now.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now
    }
}

/// The content of the record: the key of each login, and until when it holds its place.
#[derive(Default, Serialize, Deserialize)]
struct Places(Vec<(String, u64)>);

impl Places {
    fn parse(record: &Record) -> Result<Self, StoreError> {
        let problem = "its places of logins are not JSON";
        serde_json::from_str(&record.payload).map_err(|_| StoreError::Corrupt { problem })
    }

    /// Removes the login's own place, and those that are over.
    fn without(mut self, login: &str, now: Timestamp) -> Self {
        self.0.retain(|(key, until)| key != login && Timestamp::new(*until) > now);
        self
    }
}

impl<S: Store> ServerSide<S> {
    /// Whether logins above the cap are refused, so that each needs a place.
    pub(crate) fn refuses_logins(&self) -> bool {
        matches!(self.cap, Some(Cap { above: Above::IsRefused, .. }))
    }

    /// Takes a place for a login that will be written under this key. The session under the key `ends` is
    /// about to end, and does not count. Returns `None` where logins need no place.
    ///
    /// # Errors
    ///
    /// [`SaveError::TooManySessions`] when no place is free.
    pub(crate) async fn admit(
        &self,
        owner: OwnerKey,
        login: RecordKey,
        ends: Option<RecordKey>,
        deadline: &Deadline,
    ) -> Result<Option<Admission>, SaveError> {
        let Some(Cap { most, above: Above::IsRefused }) = self.cap else { return Ok(None) };
        let Some(index) = self.store.owners() else { return Ok(None) };
        deadline.begin();
        let (places, name) = (RecordKey::of_places(&owner), login.to_string());
        for tries in 1..=MAX_TRIES {
            // Loaded before the index: the session of a place that is given back after this is found there.
            let kept = self.call(deadline, self.store.load(&places, None)).await?;
            let state = self.call(deadline, index.state(&owner)).await?;
            let former = match &kept {
                Some(kept) => Places::parse(&kept.record)?,
                None => Places::default(),
            };
            let mut present = former.without(&name, state.now);
            let taken =
                |key: &RecordKey| present.0.iter().any(|(other, _)| *other == key.to_string());
            let mut keys = self.call(deadline, index.keys(&owner)).await?;
            keys.retain(|key| *key != login && Some(*key) != ends && !taken(key));
            let mut count = present.0.len() + keys.len();
            if count >= most {
                count = present.0.len() + self.counted(owner, keys, state, deadline).await?.len();
            }
            if count >= most {
                return Err(SaveError::TooManySessions { limit: most });
            }
            let window = self.longest_login();
            let until = state.now.after(window);
            present.0.push((name.clone(), until.get()));
            let revision = kept.map(|kept| kept.revision);
            if self.write_places(&places, revision, &present, window, deadline).await? {
                return Ok(Some(Admission { places, login, until }));
            }
            backoff(tries).await;
        }
        Err(SaveError::Timeout)
    }

    /// Gives a place back: from now on the session of the login counts by itself, or the login failed. A
    /// place that is not given back expires in seconds.
    pub(crate) async fn give_back(&self, admission: Option<Admission>, deadline: &Deadline) {
        let Some(admission) = admission else { return };
        if let Err(err) = self.remove_place(&admission, deadline).await {
            event!(
                StoreLeftover,
                "the place of a login is taken for some seconds more, since the store failed: {}",
                err.with_causes()
            );
        }
    }

    async fn remove_place(
        &self,
        Admission { places, login, .. }: &Admission,
        deadline: &Deadline,
    ) -> Result<(), StoreError> {
        let name = login.to_string();
        for tries in 1..=MAX_TRIES {
            let kept = self.call(deadline, self.store.load(places, None)).await?;
            let Some(kept) = kept else { return Ok(()) };
            let left = Places::parse(&kept.record)?.without(&name, kept.now);
            let (revision, window) = (Some(kept.revision), self.longest_login());
            if self.write_places(places, revision, &left, window, deadline).await? {
                return Ok(());
            }
            backoff(tries).await;
        }
        Err(StoreError::Timeout)
    }

    /// Returns whether no other login was faster. The record is not deleted when it is empty: a login
    /// that had found none would miss those that came and went since.
    async fn write_places(
        &self,
        key: &RecordKey,
        revision: Option<Revision>,
        places: &Places,
        ttl: Duration,
        deadline: &Deadline,
    ) -> Result<bool, StoreError> {
        let record = record(key, places, ttl);
        let Some(revision) = revision else {
            let create = self.store.create(key, &record, ttl);
            let created = self.write(Write::Create, deadline, create).await?;
            return Ok(matches!(created, CreateOutcome::Created(_)));
        };
        let replace = self.store.replace(key, revision, &record, ttl);
        let replaced = self.write(Write::Replace, deadline, replace).await?;
        Ok(matches!(replaced, ReplaceOutcome::Replaced(_)))
    }

    /// Returns how long a call of a login may be under way.
    fn longest_login(&self) -> Duration {
        self.deadlines.request + self.deadlines.call + SLACK
    }
}

/// Whether a record may come to be written after this failure of a login.
pub(crate) fn may_be_written(err: &SaveError) -> bool {
    matches!(err, SaveError::Timeout | SaveError::Unavailable { .. } | SaveError::Internal { .. })
}

/// A record that no token opens, and that counts as one of a login, for which a store with a bound keeps
/// room.
fn record(key: &RecordKey, places: &Places, ttl: Duration) -> Record {
    let verifier = VerifierHash::of(Purpose::Owner, key.as_bytes());
    Record {
        payload: Arc::from(serde_json::to_string(places).expect("keys and numbers are JSON")),
        verifier,
        epoch: Epoch::of_new_renewed(&verifier),
        formers: Vec::new(),
        created_secs: 0,
        renewed_millis: 0,
        ttl_secs: ttl.as_secs(),
        lifetimes: OwnLifetimes::default(),
        owner: None,
    }
}
