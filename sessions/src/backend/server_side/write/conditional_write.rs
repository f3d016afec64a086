//! The write of one request: alone, or together with those that wait.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    super::{
        ServerSide,
        record_parts::{Login, Payload, RecordTime},
        run_to_completion,
    },
    batch::{Committed, GroupCommit},
    cas::{Base, NextState, RecordChange, compare_and_set},
    outcome::WriteOutcome,
    queue::{PendingWrite, Wakeup, WriteGuard},
};
use crate::{
    backend::circuit_breaker::Deadline,
    dictionary::ChangeSet,
    error::SaveError,
    state::SessionState,
    store::{Previous, Record, RecordKey, Revision, Store, VerifierHash},
};

/// A record that is to be replaced, or deleted when the session is left empty.
pub(crate) struct ConditionalWrite<S> {
    pub(crate) backend: ServerSide<S>,
    pub(crate) key: RecordKey,
    /// What the changes are made on: the record that the request saw, or a newer one.
    pub(crate) base: Base,
    /// The revision that the request saw.
    pub(crate) revision: Revision,
    pub(crate) changes: ChangeSet,
    /// What the session holds with the changes. `None` when it is empty.
    pub(crate) payload: Option<Payload>,
    /// The verifier of the token that the request came with.
    pub(crate) opened_with: VerifierHash,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) login: Option<Login>,
    pub(crate) now: RecordTime,
    pub(crate) ttl: Duration,
    pub(crate) deadline: Deadline,
    /// Whether the changes were made again on a record that the request has not seen.
    pub(crate) rebased: bool,
}

/// The session is to get another token.
pub(crate) struct Renewal {
    pub(crate) verifier: VerifierHash,
    /// How long the previous token may read.
    pub(crate) grace: Duration,
}

impl<S: Store> ConditionalWrite<S> {
    pub(crate) async fn run(self: Box<Self>) -> Result<WriteOutcome, SaveError> {
        match self.login {
            None => self.write().await,
            Some(login) => run_to_completion(self.log_in(login)).await,
        }
    }

    async fn log_in(self: Box<Self>, login: Login) -> Result<WriteOutcome, SaveError> {
        let (backend, key, deadline) = (self.backend.clone(), self.key, self.deadline.shared());
        if !backend.add_to_index(login, key, self.ttl, &deadline).await? {
            return Err(SaveError::Gone);
        }
        let outcome = self.write().await?;
        if matches!(outcome, WriteOutcome::Kept { .. })
            && !backend.confirm_login(login, key, &deadline).await?
        {
            return Err(SaveError::Gone);
        }
        Ok(outcome)
    }

    async fn write(mut self: Box<Self>) -> Result<WriteOutcome, SaveError> {
        let pending = || (!self.is_exclusive()).then(|| self.pending());
        let last_start = || self.last_start();
        let queue = &self.backend.shared.write_queue;
        let guard = match queue.join(self.key, pending, last_start).await? {
            Wakeup::Lead(guard) => guard,
            Wakeup::Committed(outcome) => return outcome,
        };
        if !self.is_exclusive() {
            let others = guard.take_queued();
            if !others.is_empty() {
                let own = self.pending();
                let group = GroupCommit::new(self.backend, self.key, self.ttl, guard);
                return Box::pin(group.commit_with(own, others)).await;
            }
        }
        let outcome = self.write_alone(&guard).await?;
        if let Some(took) = guard.last_write_time_if_contended() {
            let group = GroupCommit::new(self.backend, self.key, self.ttl, guard);
            Box::pin(group.hand_over(took)).await;
        }
        Ok(outcome)
    }

    /// Whether it is a batch of its own: a change of the token concerns no other request.
    fn is_exclusive(&self) -> bool {
        self.renewal.is_some() || self.login.is_some()
    }

    /// Returns what another request may commit for this one.
    fn pending(&self) -> PendingWrite {
        PendingWrite {
            changes: self.changes.clone(),
            opened_with: self.opened_with,
            seen: (self.revision, self.base.record.clone()),
            last_start: self.last_start(),
            deadline: self.deadline.begin(),
        }
    }

    /// When a write that had to wait is not to be started any more.
    fn last_start(&self) -> Instant {
        let end = self.deadline.begin();
        end.checked_sub(self.backend.deadlines.for_write()).unwrap_or(end)
    }

    /// Commits a batch of one, whose changes are made already.
    async fn write_alone(&mut self, guard: &WriteGuard) -> Result<WriteOutcome, SaveError> {
        if let Some((revision, record)) = guard.newer_than(self.revision) {
            self.base = Base { record, revision, expires_in: None };
        }
        let outcome = compare_and_set(self).await?;
        let committed = Committed::note(outcome, &self.backend, self.key, guard);
        Ok(committed.for_token(self.token_verifier(), self.rebased))
    }

    /// The verifier of the token that this request's client is to have.
    fn token_verifier(&self) -> VerifierHash {
        self.renewal.as_ref().map_or(self.opened_with, |renewal| renewal.verifier)
    }

    /// Makes the request's changes on a newer record. The session keeps the token that it has there:
    /// where that is another one than the request came with, another request has renewed it.
    fn rebase(&mut self) -> Result<(), SaveError> {
        let record = &self.base.record;
        if self.renewal.is_some() && record.verifier != self.opened_with {
            if self.login.is_some() {
                return Err(SaveError::Superseded);
            }
            self.renewal = None;
        }
        let mut newer =
            SessionState::from_shared(Arc::clone(&record.payload)).map_err(SaveError::internal)?;
        self.changes.apply_to(&mut newer).map_err(SaveError::internal)?;
        self.payload = Payload::of(&newer, self.backend.max_payload)?;
        self.rebased = true;
        Ok(())
    }

    fn next_record(&self, payload: &Payload) -> Record {
        let base = &self.base.record;
        let mut record = payload.replacing(base, self.ttl);
        if let Some(login) = self.login {
            record.created_secs = self.now.secs;
            record.owner = record.owner.map(|_| login.owner());
        }
        if let Some(Renewal { verifier, grace }) = &self.renewal {
            let until_millis = self.now.millis.saturating_add(grace.as_secs() * 1_000);
            let previous = Previous { verifier: base.verifier, until_millis };
            // An attacker may have planted the previous token on a client that logs in.
            let has_grace = !grace.is_zero() && self.login.is_none();
            record.previous = Some(previous).filter(|_| has_grace);
            record.verifier = *verifier;
            record.renewed_millis = self.now.millis;
        }
        record
    }
}

impl<S: Store> RecordChange for ConditionalWrite<S> {
    type Store = S;
    type Error = SaveError;

    fn backend(&self) -> &ServerSide<S> {
        &self.backend
    }

    fn key(&self) -> &RecordKey {
        &self.key
    }

    fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn set_base(&mut self, newer: Base) {
        self.base = newer;
    }

    fn apply(&mut self) -> Result<NextState, SaveError> {
        let is_retry = self.base.expires_in.is_some();
        if is_retry && Instant::now() >= self.last_start() {
            return Err(SaveError::Timeout);
        }
        if is_retry || self.base.revision != self.revision {
            self.rebase()?;
        }
        Ok(self.payload.as_ref().map_or(NextState::Deleted, |payload| NextState::Replaced {
            record: self.next_record(payload),
            ttl: self.ttl,
        }))
    }
}
