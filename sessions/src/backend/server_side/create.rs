//! Writing a new record.

use std::{sync::Arc, time::Duration};

use super::{
    ServerSide,
    cap::{Admission, may_be_written},
    owner_index::LoggedIn,
    record_parts::{Login, Payload, RecordTime, Ttl},
    run_to_completion,
    write::Base,
};
use crate::{
    backend::circuit_breaker::{Deadline, Write},
    error::SaveError,
    store::{
        CreateOutcome, Epoch, OwnerKey, Record, RecordKey, Store, StoreError, Timestamp,
        VerifierHash,
    },
    token::split::SplitToken,
};

/// A new record that is to be written, with the login of its owner where it has one.
pub(super) struct Create<S> {
    pub(super) backend: ServerSide<S>,
    pub(super) new: NewRecord,
    pub(super) logged_in: LoggedIn,
    pub(super) deadline: Deadline,
    /// Whether it counts among its owner's from now on. Otherwise another request may be about to make the
    /// same session.
    pub(super) counts: bool,
    /// The place of its login, where it has one already.
    pub(super) place: Option<Admission>,
}

/// What a new record is made of, beside the login of its owner.
pub(super) struct NewRecord {
    pub(super) key: RecordKey,
    pub(super) verifier: VerifierHash,
    pub(super) epoch: Epoch,
    pub(super) payload: Payload,
    pub(super) now: RecordTime,
    /// When the session began, in seconds since 1970.
    pub(super) began_secs: u64,
    pub(super) ttl: Ttl,
}

/// The token of a login that has a place, before its session is written.
pub(super) struct Reserved {
    pub(super) token: SplitToken,
    pub(super) place: Admission,
}

pub(super) enum Created {
    Done(Box<CreatedRecord>),
    /// The owner's sessions were ended while the request ran.
    Refused,
    Exists,
}

/// A record as it was created.
pub(super) struct CreatedRecord {
    pub(super) base: Base,
    /// The store's time, or the host's where the store was not asked for it.
    #[cfg_attr(
        not(feature = "import-actix-session"),
        expect(
            dead_code,
            reason = "sessions that are taken over go on after their record is created"
        )
    )]
    pub(super) now: Timestamp,
}

impl<S: Store> Create<S> {
    pub(super) async fn run(self: Box<Self>) -> Result<Created, SaveError> {
        match self.new.payload.owner {
            None => Ok(self.backend.create_record(&self.new, None, &self.deadline).await?),
            Some(owner) => run_to_completion(self.log_in(owner)).await,
        }
    }

    async fn log_in(mut self: Box<Self>, owner: OwnerKey) -> Result<Created, SaveError> {
        let place = match self.place.take() {
            None if self.counts => {
                self.backend.admit(owner, self.new.key, None, &self.deadline).await?
            }
            taken => taken,
        };
        let (backend, deadline) = (self.backend.clone(), self.deadline.clone());
        let created = self.write_login(owner, place.as_ref()).await;
        if !created.as_ref().is_err_and(may_be_written) {
            backend.give_back(place, &deadline).await;
        }
        created
    }

    async fn write_login(
        self: Box<Self>,
        owner: OwnerKey,
        place: Option<&Admission>,
    ) -> Result<Created, SaveError> {
        let Self { backend, new, logged_in, deadline, counts, .. } = &*self;
        let key = new.key;
        let ttl = new.ttl.of_known(new.payload.lifetimes);
        let add = backend.add_login(owner, key, logged_in, ttl, deadline);
        let Some(mut login) = add.await? else {
            backend.remove_from_index(Some(owner), key, deadline).await;
            return Ok(Created::Refused);
        };
        if !counts {
            login.indexed_until = Timestamp::default();
        }
        let created = match backend.create_record(new, Some(login), deadline).await {
            Ok(created) => created,
            Err(err) => {
                if is_unwritten(&err) {
                    backend.remove_from_index(Some(owner), key, deadline).await;
                }
                return Err(err.into());
            }
        };
        if matches!(created, Created::Done(_))
            && !backend.confirm_login(login, key, place, deadline).await?
        {
            return Ok(Created::Refused);
        }
        Ok(created)
    }
}

impl<S: Store> ServerSide<S> {
    /// Writes a new record, and nothing else.
    pub(super) async fn create_record(
        &self,
        new: &NewRecord,
        login: Option<Login>,
        deadline: &Deadline,
    ) -> Result<Created, StoreError> {
        let (record, ttl) = new.record(login);
        let create = self.store.create(&new.key, &record, ttl);
        Ok(match self.write(Write::Create, deadline, create).await? {
            CreateOutcome::Created(revision) => {
                let told = login.and_then(|login| login.now);
                let now = told.unwrap_or_else(|| new.now.timestamp());
                let lives_until = now.after(ttl);
                let base = Base { record: Arc::new(record), revision, lives_until };
                Created::Done(Box::new(CreatedRecord { base, now }))
            }
            CreateOutcome::Exists => Created::Exists,
        })
    }
}

impl NewRecord {
    /// Returns the record, and how long it is to live.
    pub(super) fn record(&self, login: Option<Login>) -> (Record, Duration) {
        let mut record = Record {
            payload: Arc::clone(&self.payload.json),
            verifier: self.verifier,
            epoch: self.epoch,
            formers: Vec::new(),
            created_secs: self.began_secs,
            renewed_millis: self.now.millis,
            ttl_secs: 0,
            lifetimes: self.payload.lifetimes,
            owner: login.map(Login::owner),
        };
        let ttl = self.ttl.of(&record);
        record.ttl_secs = ttl.as_secs();
        (record, ttl)
    }
}

/// Whether the record was certainly not written. After other failures it may be there.
pub(super) fn is_unwritten(err: &StoreError) -> bool {
    matches!(
        err,
        StoreError::Full
            | StoreError::ReadOnly { .. }
            | StoreError::TooLarge { .. }
            | StoreError::NoConnection { .. }
    )
}
