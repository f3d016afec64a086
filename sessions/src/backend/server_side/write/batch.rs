//! Group commit: the lock holder starts from its predecessor's result and commits every queued
//! change in one call. Each change is made on the result of the ones before it, as if each request
//! had written by itself. The record is parsed once and written once.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use super::{
    super::{
        ServerSide,
        record_parts::{Payload, Ttl},
        run_to_completion,
    },
    cas::{Base, CasOutcome, NextState, RecordChange, compare_and_set},
    outcome::WriteOutcome,
    queue::{PendingWrite, QueuedWrite, Wakeup, WriteGuard},
};
use crate::{
    backend::circuit_breaker::Deadline,
    dictionary::ChangeSet,
    error::SaveError,
    events::event,
    state::SessionState,
    store::{RecordKey, Store, StoreError, Timestamp, VerifierHash},
};

/// How many batches one request commits for others before the next writer in the queue leads.
const ROUNDS: u32 = 4;
/// A store that is faster than this is in the same process.
const IN_PROCESS_LATENCY: Duration = Duration::from_micros(100);
/// How long changes are made before other tasks of the worker run.
const LONGEST_WORK: Duration = Duration::from_millis(1);
/// The longest pause in which other processes may write.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// Commits what waits to be written to one record.
pub(super) struct GroupCommit<S> {
    backend: ServerSide<S>,
    key: RecordKey,
    ttl: Ttl,
    guard: WriteGuard,
    /// In the order of the queue.
    batch: Vec<QueuedWrite>,
    /// The latest of the batch, or what a call may take: one that a deadline cuts off may be done
    /// nevertheless.
    deadline: Deadline,
    /// How long changes were made, which is no time of the store.
    worked: Duration,
}

/// What a commit left in the store.
pub(super) enum Committed {
    Replaced {
        /// Of the token that opens the record from now on.
        verifier: VerifierHash,
        json: Arc<str>,
    },
    Deleted,
    Gone,
}

impl<S: Store> GroupCommit<S> {
    pub(super) fn new(backend: ServerSide<S>, key: RecordKey, ttl: Ttl, guard: WriteGuard) -> Self {
        let deadline = Deadline::after(Duration::ZERO);
        Self { backend, key, ttl, guard, batch: Vec::new(), deadline, worked: Duration::ZERO }
    }

    /// Commits the leader's own changes first, then those of the others, even if the leader's
    /// request is dropped.
    pub(super) async fn commit_with(
        mut self,
        own: PendingWrite,
        others: Vec<QueuedWrite>,
    ) -> Result<WriteOutcome, SaveError> {
        self.batch = others;
        let (own, answer) = QueuedWrite::new(own);
        self.batch.insert(0, own);
        let commit = run_to_completion(async move {
            self.commit_batch().await;
            self
        });
        let group = commit.await;
        if let Some(took) = group.guard.last_write_time_if_contended() {
            group.hand_over(took).await;
        }
        match answer.await {
            Ok(Wakeup::Committed(outcome)) => outcome,
            Ok(Wakeup::Lead(_)) | Err(_) => unreachable!("every write of a batch is answered"),
        }
    }

    /// Commits for the requests that queued while the last call `took` its time.
    ///
    /// In a store of this process that is faster than waking one of them. Elsewhere the leader's own
    /// request does not wait for it, and there are pauses: without them another process finds no
    /// gap to read the record and write it, and its requests time out.
    pub(super) async fn hand_over(self, took: Duration) {
        if took < IN_PROCESS_LATENCY {
            run_to_completion(self.drain_queue(Duration::ZERO)).await;
        } else {
            // Another process reads the record and writes it in twice the time.
            tokio::spawn(self.drain_queue((took * 3).min(MAX_PAUSE)));
        }
    }

    async fn drain_queue(mut self, pause: Duration) {
        for _ in 0..ROUNDS {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            self.batch = self.guard.take_queued();
            if self.batch.is_empty() {
                return;
            }
            self.commit_batch().await;
        }
    }

    /// Commits the batch, and answers each of its requests.
    async fn commit_batch(&mut self) {
        self.worked = Duration::ZERO;
        let base = self.newest_base();
        self.refuse_superseded(&base);
        if self.batch.is_empty() {
            return;
        }
        let Some(indexed_until) = self.prolong_entry(&base).await else {
            return self.fail(|| SaveError::Gone);
        };
        let mut batch = Batch { group: self, base, indexed_until, is_retry: false };
        match compare_and_set(&mut batch).await {
            Ok(outcome) => {
                let committed = Committed::note(outcome, &self.backend, self.key, &self.guard);
                self.answer(&committed);
            }
            Err(err) => self.fail(|| err.clone().into()),
        }
    }

    async fn prolong_entry(&self, base: &Base) -> Option<Timestamp> {
        let deadline = Deadline::after(self.backend.deadlines.request);
        let Self { backend, key, ttl, .. } = self;
        backend
            .prolong_entry(&base.record, base.revision, *key, *ttl, self.store_now(), &deadline)
            .await
    }

    fn newest_base(&self) -> Base {
        let newest = self.batch.iter().map(|queued| &queued.pending.seen);
        let newest = newest.max_by_key(|(revision, _)| revision.get()).cloned();
        let (revision, record) = newest.expect("a batch is not empty");
        let (revision, record) = self.guard.newer_than(revision).unwrap_or((revision, record));
        Base::written(revision, record)
    }

    /// Drops the writes of requests that have no time left to try again.
    fn drop_expired(&mut self) {
        let (now, worked) = (Instant::now(), self.worked);
        let is_late = |queued: &mut QueuedWrite| queued.pending.last_start + worked <= now;
        for late in self.batch.extract_if(.., is_late) {
            late.answer(Err(SaveError::Timeout));
        }
    }

    /// Drops the writes of requests that opened the record in another epoch than it has.
    fn refuse_superseded(&mut self, base: &Base) {
        let is_superseded =
            |queued: &mut QueuedWrite| queued.pending.opened.epoch != base.record.epoch;
        for superseded in self.batch.extract_if(.., is_superseded) {
            superseded.answer(Err(SaveError::Superseded));
        }
    }

    /// Returns the store's time, or that of a moment later: of the latest write, since one may come from a
    /// request that has waited for long.
    fn store_now(&self) -> Timestamp {
        self.batch.iter().map(|queued| queued.pending.store_now).max().unwrap_or_default()
    }

    /// Makes all changes, one after the other, and returns what the session then holds. A change
    /// that fails is left out, and its request gets the error.
    async fn apply_all(&mut self, base: &Base) -> Result<Option<Payload>, StoreError> {
        let json = Arc::clone(&base.record.payload);
        let mut state = SessionState::from_shared(json)
            .map_err(|_| StoreError::Corrupt { problem: "its content is not a JSON object" })?;
        let mut worked_since = Instant::now();
        for mut queued in mem::take(&mut self.batch) {
            match apply(&self.backend, &mut state, &queued.pending.changes) {
                Ok(()) => {
                    queued.result = queued.pending.reads_back.then(|| Arc::from(state.to_json()));
                    self.batch.push(queued);
                }
                Err(err) => queued.answer(Err(err)),
            }
            if worked_since.elapsed() >= LONGEST_WORK {
                yield_now().await;
                worked_since = Instant::now();
            }
        }
        Ok(self.backend.unchecked_payload(&state))
    }

    fn answer(&mut self, committed: &Committed) {
        for queued in self.batch.drain(..) {
            let mut outcome = committed.for_token(queued.pending.opened.verifier, true);
            // A request that reads what is stored sees the result of its own changes, as if it had
            // written alone.
            if let WriteOutcome::Kept { merged, .. } = &mut outcome {
                merged.clone_from(&queued.result);
            }
            queued.answer(Ok(outcome));
        }
    }

    fn fail(&mut self, err: impl Fn() -> SaveError) {
        for queued in self.batch.drain(..) {
            queued.answer(Err(err()));
        }
    }
}

/// A batch, and the record that it is committed to.
struct Batch<'g, S> {
    group: &'g mut GroupCommit<S>,
    base: Base,
    /// Until when the owner's index holds the record after the batch asked it.
    indexed_until: Timestamp,
    /// Whether the changes were made before, on a record that another writer has replaced.
    is_retry: bool,
}

impl<S: Store> RecordChange for Batch<'_, S> {
    type Store = S;
    type Error = StoreError;

    fn backend(&self) -> &ServerSide<S> {
        &self.group.backend
    }

    fn key(&self) -> &RecordKey {
        &self.group.key
    }

    fn deadline(&self) -> &Deadline {
        &self.group.deadline
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn set_base(&mut self, newer: Base) {
        self.base = newer;
    }

    async fn apply(&mut self) -> Result<NextState, StoreError> {
        let Self { group, base, indexed_until, is_retry } = self;
        if mem::replace(is_retry, true) {
            group.drop_expired();
        }
        group.refuse_superseded(base);
        let start = Instant::now();
        let payload = group.apply_all(base).await?;
        group.worked += start.elapsed();
        let latest = group.batch.iter().map(|queued| queued.pending.deadline).max();
        // All were answered.
        let latest = latest.ok_or(StoreError::Timeout)?;
        group.deadline = Deadline::at(latest.max(Instant::now() + group.backend.deadlines.call));
        Ok(payload.map_or(NextState::Deleted, |payload| {
            let mut record = payload.replacing(&base.record);
            let ttl = group.ttl.set(&mut record, group.store_now(), *indexed_until);
            NextState::Replaced { record, ttl }
        }))
    }
}

impl Committed {
    /// Leaves the result to the next lock holder, and an entry of the owner index that is no longer
    /// needed to a task.
    pub(super) fn note<S: Store>(
        outcome: CasOutcome,
        backend: &ServerSide<S>,
        key: RecordKey,
        guard: &WriteGuard,
    ) -> Self {
        match outcome {
            CasOutcome::Replaced { record, revision, took } => {
                let (verifier, json) = (record.verifier, Arc::clone(&record.payload));
                guard.publish(revision, record, took);
                Self::Replaced { verifier, json }
            }
            CasOutcome::Deleted { owner } => {
                let session = backend.log_ids.session(&key);
                event!(SessionEnded, reason = "logout", session, "session ended: it is empty");
                backend.remove_from_index_later(owner, key);
                Self::Deleted
            }
            CasOutcome::Gone => Self::Gone,
        }
    }

    /// Returns the outcome for a request that expects this verifier in the record, and whose changes
    /// were `merged` with those of others.
    pub(super) fn for_token(&self, expected: VerifierHash, merged: bool) -> WriteOutcome {
        match self {
            Self::Replaced { verifier, json } => WriteOutcome::Kept {
                token_holds: *verifier == expected,
                merged: merged.then(|| Arc::clone(json)),
            },
            Self::Deleted => WriteOutcome::Deleted,
            Self::Gone => WriteOutcome::Gone,
        }
    }
}

/// Makes the changes of one request, or none. A closure of `update` that panics fails its own request
/// only.
fn apply<S: Store>(
    backend: &ServerSide<S>,
    state: &mut SessionState,
    changes: &ChangeSet,
) -> Result<(), SaveError> {
    let had = state.json_len();
    state.checkpoint();
    let apply = || {
        changes.apply_to(state)?;
        backend.check_length(state, had)
    };
    let applied = catch_unwind(AssertUnwindSafe(apply))
        .unwrap_or_else(|_| Err(SaveError::internal(Panicked)));
    if applied.is_err() {
        state.revert();
    }
    applied
}

/// The panic itself went to the panic hook.
#[derive(Debug, thiserror::Error)]
#[error("a closure of `update` panicked when it ran again on a newer session")]
struct Panicked;
