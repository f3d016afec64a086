//! The write of one request: alone, or together with those that wait.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    super::{
        ServerSide,
        cap::may_be_written,
        owner_index::LoggedIn,
        record_parts::{Login, Payload, RecordTime, Ttl},
        run_to_completion,
    },
    batch::{Committed, GroupCommit},
    cas::{Base, NextState, RecordChange, compare_and_set},
    outcome::WriteOutcome,
    queue::{Opened, PendingWrite, Wakeup, WriteGuard},
};
use crate::{
    backend::circuit_breaker::Deadline,
    dictionary::ChangeSet,
    error::SaveError,
    state::SessionState,
    store::{
        Epoch, OwnLifetimes, OwnerKey, Record, RecordKey, Revision, Store, Timestamp, VerifierHash,
    },
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
    pub(crate) opened: Opened,
    /// Whether the handler reads what is stored.
    pub(crate) reads_back: bool,
    pub(crate) new_token: Option<NewToken>,
    pub(crate) logged_in: LoggedIn,
    /// The login, once its owner's index holds it.
    pub(crate) login: Option<Login>,
    pub(crate) now: RecordTime,
    /// The store's time when the write began, or a moment later.
    pub(crate) store_now: Timestamp,
    pub(crate) ttl: Ttl,
    pub(crate) deadline: Deadline,
    /// Until when the owner's index holds the record after this write asked it.
    pub(crate) indexed_until: Timestamp,
    /// Whether another writer was faster.
    pub(crate) is_retry: bool,
    /// Whether the changes were made again on a record that the request has not seen.
    pub(crate) rebased: bool,
}

/// The token that the session is to get.
#[derive(Clone, Copy)]
pub(crate) struct NewToken {
    pub(crate) verifier: VerifierHash,
    pub(crate) reason: Reason,
}

/// Why a session gets another token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The rights stay as they are, and so does the epoch.
    Rotation,
    Renewal,
    Login,
}

impl NewToken {
    pub(crate) fn epoch(self, present: Epoch) -> Epoch {
        match self.reason {
            Reason::Rotation => present,
            Reason::Renewal => present.renewed(&self.verifier),
            Reason::Login => Epoch::of_new_renewed(&self.verifier),
        }
    }
}

impl<S: Store> ConditionalWrite<S> {
    pub(crate) async fn run(self: Box<Self>) -> Result<WriteOutcome, SaveError> {
        let owner = self.payload.as_ref().and_then(|payload| payload.owner);
        match owner.filter(|_| self.is_login()) {
            None => self.write().await,
            Some(owner) => run_to_completion(self.log_in(owner)).await,
        }
    }

    async fn log_in(mut self: Box<Self>, owner: OwnerKey) -> Result<WriteOutcome, SaveError> {
        let (backend, key, deadline) = (self.backend.clone(), self.key, self.deadline.shared());
        let ttl = self.ttl.of_known(self.lifetimes());
        // Another login of the same owner adds no session.
        let is_owners = self.base.record.owner() == Some(owner);
        let place =
            if is_owners { None } else { backend.admit(owner, key, None, &deadline).await? };
        let login = async {
            let add = backend.add_login(owner, key, &self.logged_in, ttl, &deadline);
            let Some(login) = add.await? else { return Err(SaveError::Gone) };
            self.login = Some(login);
            // Its entry stays where the write fails: the record may be the owner's by another login.
            let outcome = self.write().await?;
            if matches!(outcome, WriteOutcome::Kept { .. })
                && !backend.confirm_login(login, key, place.as_ref(), &deadline).await?
            {
                return Err(SaveError::Gone);
            }
            Ok(outcome)
        };
        let outcome = login.await;
        if !outcome.as_ref().is_err_and(may_be_written) {
            backend.give_back(place, &deadline).await;
        }
        outcome
    }

    fn is_login(&self) -> bool {
        self.new_token.is_some_and(|token| token.reason == Reason::Login)
    }

    async fn write(mut self: Box<Self>) -> Result<WriteOutcome, SaveError> {
        let pending = || (!self.is_exclusive()).then(|| self.pending());
        let reserve = self.backend.deadlines.for_write();
        let queue = &self.backend.shared.write_queue;
        let guard = match queue.join(self.key, pending, &self.deadline, reserve).await? {
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

    /// Whether it is a batch of its own: a change of the token concerns no other request, and one of the
    /// lifetimes asks the owner's index for another time.
    fn is_exclusive(&self) -> bool {
        self.new_token.is_some() || self.lifetimes() != self.base.record.lifetimes
    }

    /// What the session's lifetimes differ by from the policies, with the changes.
    fn lifetimes(&self) -> OwnLifetimes {
        self.payload.as_ref().map(|payload| payload.lifetimes).unwrap_or_default()
    }

    /// Returns what another request may commit for this one.
    fn pending(&self) -> PendingWrite {
        PendingWrite {
            changes: self.changes.clone(),
            opened: self.opened,
            reads_back: self.reads_back,
            store_now: self.store_now,
            seen: (self.revision, Arc::clone(&self.base.record)),
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
            self.base = Base::written(revision, record);
        }
        self.check_epoch()?;
        if !self.is_login() {
            let Self { backend, base, key, ttl, store_now, deadline, .. } = &*self;
            let lifetimes = self.lifetimes();
            let next = Record { lifetimes, ..(*base.record).clone() };
            let prolong =
                backend.prolong_entry(&next, base.revision, *key, *ttl, *store_now, deadline);
            self.indexed_until = prolong.await.ok_or(SaveError::Gone)?;
        }
        let outcome = compare_and_set(self).await?;
        let committed = Committed::note(outcome, &self.backend, self.key, guard);
        Ok(committed.for_token(self.token_verifier(), self.rebased))
    }

    /// Whether the record still has the rights that the request opened.
    fn check_epoch(&self) -> Result<(), SaveError> {
        if self.base.record.epoch == self.opened.epoch {
            Ok(())
        } else {
            Err(SaveError::Superseded)
        }
    }

    /// The verifier of the token that this request's client is to have.
    fn token_verifier(&self) -> VerifierHash {
        self.new_token.map_or(self.opened.verifier, |token| token.verifier)
    }

    /// Makes the request's changes on a newer record. The session keeps the token that it has there if
    /// another request has rotated it.
    fn rebase(&mut self) -> Result<(), SaveError> {
        let record = &self.base.record;
        if record.verifier != self.opened.verifier {
            self.new_token = self.new_token.filter(|token| token.reason != Reason::Rotation);
        }
        let mut newer =
            SessionState::from_shared(Arc::clone(&record.payload)).map_err(SaveError::internal)?;
        self.changes.apply_to(&mut newer)?;
        self.payload = self.backend.payload(&newer)?;
        self.rebased = true;
        Ok(())
    }

    fn next_state(&self, payload: &Payload) -> NextState {
        let mut record = payload.replacing(&self.base.record);
        if let Some(login) = self.login {
            record.created_secs = self.now.secs;
            record.owner = payload.owner.map(|_| login.owner());
        }
        if let Some(token) = self.new_token {
            let epoch = token.epoch(record.epoch);
            record.replace_verifier(token.verifier, epoch, self.store_now);
            record.renewed_millis = self.now.millis.max(record.renewed_millis + 1);
        }
        let ttl = self.ttl.set(&mut record, self.store_now, self.indexed_until);
        NextState::Replaced { record, ttl }
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
        self.is_retry = true;
    }

    async fn apply(&mut self) -> Result<NextState, SaveError> {
        self.check_epoch()?;
        if self.is_retry && Instant::now() >= self.last_start() {
            return Err(SaveError::Timeout);
        }
        if self.is_retry || self.base.revision != self.revision {
            self.rebase()?;
        }
        Ok(self.payload.as_ref().map_or(NextState::Deleted, |payload| self.next_state(payload)))
    }
}
