//! Writing the changes of several requests at once: of the one that has the turn, and of those that
//! wait for it. Each is made on what the ones before it leave, as if each had written by itself.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    cas::{MAX_TRIES, CasOutcome, ConditionalWrite, WriteOutcome, pause},
    queue::{PendingWrite, QueuedWrite, Wakeup, WriteGuard},
};
use crate::{
    backend::{
        circuit_breaker::Deadline,
        server_side::{content::Content, run_to_completion},
    },
    error::SaveError,
    state::SessionState,
    store::{Record, Revision, Store, StoreError},
};

/// How often those who came meanwhile are written for, before the next one in the queue has its
/// turn.
const ROUNDS: u32 = 4;
/// A store that is faster than this is in the same process.
const IN_PROCESS_LATENCY: Duration = Duration::from_micros(100);
/// The longest pause in which other processes may write.
const MAX_PAUSE: Duration = Duration::from_millis(20);

pub(in crate::backend::server_side) struct GroupCommit<S> {
    rewrite: Box<ConditionalWrite<S>>,
    turn: WriteGuard,
    /// In the order of asking.
    all: Vec<QueuedWrite>,
}

impl<S: Store> GroupCommit<S> {
    pub(in crate::backend::server_side) fn new(
        rewrite: Box<ConditionalWrite<S>>,
        turn: WriteGuard,
        joined: Vec<QueuedWrite>,
    ) -> Self {
        Self { rewrite, turn, all: joined }
    }

    /// Writes one's own changes first, then those of the others, even if one's own request is
    /// dropped.
    pub(in crate::backend::server_side) async fn write(
        mut self,
        own: PendingWrite,
    ) -> Result<WriteOutcome, SaveError> {
        let (own, hears) = QueuedWrite::own(own);
        self.all.insert(0, own);
        let together = run_to_completion(async move {
            self.write_all().await;
            self
        });
        let together = together.await;
        if let Some(took) = together.turn.last_write_time_if_contended() {
            together.hand_over(took).await;
        }
        match hears.await {
            Ok(Wakeup::Committed(done)) => done,
            Ok(Wakeup::Lead(_)) | Err(_) => unreachable!("all are told how it ended"),
        }
    }

    /// Writes for those who came while one's own call took this long. In a store of this process
    /// that takes less time than to wake one of them; otherwise one's own request does not wait
    /// for it.
    pub(in crate::backend::server_side) async fn hand_over(self, took: Duration) {
        if took < IN_PROCESS_LATENCY {
            run_to_completion(self.drain_queue(Duration::ZERO)).await;
        } else {
            // Another process reads the record and writes it in twice the time.
            tokio::spawn(self.drain_queue((took * 3).min(MAX_PAUSE)));
        }
    }

    /// Who writes in a row leaves no time to those in other processes, who have to read first what
    /// was written. So there are pauses.
    async fn drain_queue(mut self, pause: Duration) {
        for _ in 0..ROUNDS {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            self.all = self.turn.joined();
            if self.all.is_empty() {
                return;
            }
            self.write_all().await;
        }
    }

    /// Writes all changes, and tells all.
    async fn write_all(&mut self) {
        self.start_from_the_newest();
        for tries in 1..=MAX_TRIES {
            self.drop_expired();
            self.apply_all();
            let Some(deadline) = self.latest_deadline() else { return };
            self.rewrite.deadline = Deadline::at(deadline);
            match self.rewrite.attempt(&self.turn).await {
                Ok(Some(outcome)) => return self.tell(&outcome),
                Ok(None) => {}
                Err(err) => return self.fail(&err),
            }
            pause(tries).await;
            let load = self.rewrite.backend.store.load(&self.rewrite.key, None);
            match self.rewrite.backend.call(&self.rewrite.deadline, load).await {
                Ok(Some(newer)) => self.start_from(newer.revision, newer.record),
                Ok(None) => return self.tell(&CasOutcome::Gone),
                Err(err) => return self.fail(&err),
            }
        }
        self.fail(&StoreError::Timeout);
    }

    fn start_from_the_newest(&mut self) {
        let newest = self.all.iter().map(|one| &one.changes.found);
        let newest = newest.max_by_key(|(revision, _)| revision.get()).cloned();
        let (revision, record) = newest.expect("there is one's own");
        let (revision, record) = self.turn.newer_than(revision).unwrap_or((revision, record));
        self.start_from(revision, record);
    }

    fn start_from(&mut self, revision: Revision, record: Record) {
        self.rewrite.revision = revision;
        self.rewrite.base = record;
    }

    /// Nothing is written for those who have no time left.
    fn drop_expired(&mut self) {
        let now = Instant::now();
        let is_late = |one: &mut QueuedWrite| one.changes.last_start <= now;
        for late in self.all.extract_if(.., is_late) {
            late.tell(Err(SaveError::Timeout));
        }
    }

    /// Calls that are cut off by the deadline may be done all the same: the last one counts.
    fn latest_deadline(&self) -> Option<Instant> {
        self.all.iter().map(|one| one.changes.deadline).max()
    }

    /// Makes all changes, one after the other. What cannot be made is passed over, and told.
    fn apply_all(&mut self) {
        let limit = self.rewrite.backend.max_payload;
        let mut kept = Arc::clone(&self.rewrite.base.payload);
        for mut one in mem::take(&mut self.all) {
            match make(Arc::clone(&kept), &one.changes, limit) {
                Ok(content) => {
                    kept = content.as_ref().map_or("{}".into(), |made| Arc::clone(&made.json));
                    one.made = Some(Arc::clone(&kept));
                    self.rewrite.content = content;
                    self.all.push(one);
                }
                Err(err) => one.tell(Err(err)),
            }
        }
    }

    fn tell(&mut self, outcome: &CasOutcome) {
        for one in self.all.drain(..) {
            let mut written = outcome.written(one.changes.opened_with, true);
            // What each is told is stored is what itself came to, as if it had written alone.
            if let WriteOutcome::Kept { merged, .. } = &mut written {
                merged.clone_from(&one.made);
            }
            one.tell(Ok(written));
        }
    }

    fn fail(&mut self, err: &StoreError) {
        for one in self.all.drain(..) {
            one.tell(Err(err.clone().into()));
        }
    }
}

/// Makes changes on a state. A closure that panics is the failure of its own request only.
fn make(state: Arc<str>, changes: &PendingWrite, limit: usize) -> Result<Option<Content>, SaveError> {
    let make = || {
        let mut state = SessionState::from_shared(state).map_err(SaveError::internal)?;
        changes.set.apply_to(&mut state).map_err(SaveError::internal)?;
        Content::of(&state, limit)
    };
    catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|_| Err(SaveError::internal(Panicked)))
}

/// The panic itself went to the panic hook.
#[derive(Debug, thiserror::Error)]
#[error("a closure of `update` panicked when it ran again")]
struct Panicked;
