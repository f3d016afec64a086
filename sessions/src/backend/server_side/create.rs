//! Writing a new record.

use std::{sync::Arc, time::Duration};

use super::{
    ServerSide,
    record_parts::{Login, Payload, RecordTime},
    run_to_completion,
};
use crate::{
    backend::circuit_breaker::Deadline,
    error::SaveError,
    store::{CreateOutcome, Record, RecordKey, Store, VerifierHash},
};

/// A new record.
pub(super) struct Create<S> {
    pub(super) backend: ServerSide<S>,
    pub(super) key: RecordKey,
    pub(super) verifier: VerifierHash,
    pub(super) payload: Payload,
    pub(super) login: Option<Login>,
    pub(super) now: RecordTime,
    /// When the session began, in seconds since 1970.
    pub(super) began_secs: u64,
    pub(super) ttl: Duration,
    pub(super) deadline: Deadline,
}

pub(super) enum Created {
    Done,
    /// The owner's sessions were ended while the request ran.
    Refused,
    Exists,
}

impl<S: Store> Create<S> {
    pub(super) async fn run(self: Box<Self>) -> Result<Created, SaveError> {
        match self.login {
            None => self.create().await,
            Some(login) => run_to_completion(self.log_in(login)).await,
        }
    }

    async fn log_in(self: Box<Self>, login: Login) -> Result<Created, SaveError> {
        let Self { backend, key, deadline, .. } = &*self;
        if !backend.add_to_index(login, *key, self.ttl, deadline).await? {
            return Ok(Created::Refused);
        }
        let created = self.create().await?;
        if matches!(created, Created::Done) && !backend.confirm_login(login, *key, deadline).await?
        {
            return Ok(Created::Refused);
        }
        Ok(created)
    }

    async fn create(&self) -> Result<Created, SaveError> {
        let record = Record {
            payload: Arc::clone(&self.payload.json),
            verifier: self.verifier,
            previous: None,
            created_secs: self.began_secs,
            renewed_millis: self.now.millis,
            ttl_secs: self.ttl.as_secs(),
            owner: self.login.map(Login::owner),
        };
        let create = self.backend.store.create(&self.key, &record, self.ttl);
        Ok(match self.backend.call(&self.deadline, create).await? {
            CreateOutcome::Created(_) => Created::Done,
            CreateOutcome::Exists => Created::Exists,
        })
    }
}
