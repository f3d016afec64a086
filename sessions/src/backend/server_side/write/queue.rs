//! The queue of writers of one record, so that those of one process do not fight at the store.
//!
//! The writer at the head has the lock. Its successor starts from its result, and the lock holder may
//! commit what others have queued.

use std::{
    array,
    collections::{VecDeque, hash_map::Entry},
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::oneshot::{self, error::RecvError},
    time::{Instant, timeout_at},
};

use super::outcome::WriteOutcome;
use crate::{
    backend::circuit_breaker::Deadline,
    dictionary::ChangeSet,
    error::SaveError,
    store::{Epoch, KeyMap, Record, RecordKey, Revision, StoreError, Timestamp, VerifierHash},
};

const SHARDS: usize = 16;
/// In how many parts a writer waits for what is left of its time, to see whether its worker is busy.
const LOOKS: u32 = 4;
/// The shortest of these parts.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);

/// The writers of every record that is being written.
#[derive(Clone)]
pub(crate) struct WriteQueue {
    shared: Arc<Shared>,
}

struct Shared {
    /// A record has a queue while a writer has its lock.
    shards: [Mutex<KeyMap<RecordQueue>>; SHARDS],
    next_number: AtomicU64,
}

/// The writers that wait for the lock of one record, in the order of asking.
#[derive(Default)]
struct RecordQueue {
    waiters: VecDeque<Waiter>,
    /// The result of the last write.
    latest: Option<(Revision, Arc<Record>)>,
    /// How long the store took for it.
    took: Duration,
}

struct Waiter {
    number: u64,
    /// What the lock holder may commit for it.
    pending: Option<PendingWrite>,
    wakes: oneshot::Sender<Wakeup>,
}

/// What a request opened.
#[derive(Clone, Copy)]
pub(crate) struct Opened {
    /// Of the token that the request came with.
    pub(crate) verifier: VerifierHash,
    /// A write goes on only in this one.
    pub(crate) epoch: Epoch,
}

/// Changes that another request may commit.
#[derive(Clone)]
pub(super) struct PendingWrite {
    pub(super) changes: ChangeSet,
    pub(super) opened: Opened,
    /// Whether the handler reads what is stored.
    pub(super) reads_back: bool,
    /// The store's time when the write began, or a moment later.
    pub(super) store_now: Timestamp,
    /// The record that the request saw.
    pub(super) seen: (Revision, Arc<Record>),
    /// When the write is not to be started any more.
    pub(super) last_start: Instant,
    pub(super) deadline: Instant,
}

/// A write that was taken out of the queue to be committed, and whose request waits for the answer.
pub(super) struct QueuedWrite {
    pub(super) pending: PendingWrite,
    /// The session with these changes and those before them, as JSON, for a handler that reads it.
    pub(super) result: Option<Arc<str>>,
    wakes: oneshot::Sender<Wakeup>,
}

/// Why a waiter is woken.
pub(super) enum Wakeup {
    /// It has the lock.
    Lead(WriteGuard),
    /// Another request has committed its changes.
    Committed(Result<WriteOutcome, SaveError>),
}

/// The lock of a record, until it is dropped.
pub(crate) struct WriteGuard {
    queue: WriteQueue,
    key: RecordKey,
}

impl WriteQueue {
    pub(crate) fn new() -> Self {
        let shards = array::from_fn(|_| Mutex::default());
        Self { shared: Arc::new(Shared { shards, next_number: AtomicU64::new(0) }) }
    }

    /// Waits until the writers that asked before have written, or until one of them has committed
    /// this `pending` write as well.
    ///
    /// # Errors
    ///
    /// [`SaveError::Timeout`] when neither came while more than `reserve` was left until the deadline;
    /// nothing is then written. Also when the writer was dropped that had taken the write: the outcome
    /// is then unknown.
    pub(super) async fn join(
        &self,
        key: RecordKey,
        pending: impl FnOnce() -> Option<PendingWrite>,
        deadline: &Deadline,
        reserve: Duration,
    ) -> Result<Wakeup, SaveError> {
        let (number, mut wakeup) = match self.shard(&key).entry(key) {
            Entry::Vacant(free) => {
                free.insert(RecordQueue::default());
                return Ok(Wakeup::Lead(WriteGuard { queue: self.clone(), key }));
            }
            Entry::Occupied(mut locked) => {
                let number = self.shared.next_number.fetch_add(1, Ordering::Relaxed);
                let (wakes, wakeup) = oneshot::channel();
                let pending = pending();
                locked.get_mut().waiters.push_back(Waiter { number, pending, wakes });
                (number, wakeup)
            }
        };
        let woken = match wait(&mut wakeup, deadline, reserve).await {
            Some(woken) => woken,
            None if self.leave(&key, number) => return Err(StoreError::Timeout.into()),
            // Another request commits it at this moment.
            None => wakeup.await,
        };
        woken.map_err(|_| StoreError::Timeout.into())
    }

    /// Waits until the writers that asked before have written, for a change that no other request commits.
    ///
    /// # Errors
    ///
    /// [`StoreError::Timeout`] when that did not come before the deadline.
    pub(crate) async fn lock(
        &self,
        key: RecordKey,
        deadline: &Deadline,
    ) -> Result<WriteGuard, StoreError> {
        match self.join(key, || None, deadline, Duration::ZERO).await {
            Ok(Wakeup::Lead(guard)) => Ok(guard),
            Ok(Wakeup::Committed(_)) => unreachable!("it has no write for others to commit"),
            Err(_) => Err(StoreError::Timeout),
        }
    }

    /// Leaves the queue. Returns `false` when the waiter was taken out already.
    fn leave(&self, key: &RecordKey, number: u64) -> bool {
        let mut shard = self.shard(key);
        let Some(queue) = shard.get_mut(key) else { return false };
        let before = queue.waiters.len();
        queue.waiters.retain(|waiter| waiter.number != number);
        queue.waiters.len() < before
    }

    fn shard(&self, key: &RecordKey) -> MutexGuard<'_, KeyMap<RecordQueue>> {
        let [first, ..] = *key.as_bytes();
        let shard = &self.shared.shards[usize::from(first) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until only `reserve` is left. A timer that fires late shows that the worker was busy, maybe with
/// the very writers that this one waits for: the deadline is then extended.
async fn wait(
    wakeup: &mut oneshot::Receiver<Wakeup>,
    deadline: &Deadline,
    reserve: Duration,
) -> Option<Result<Wakeup, RecvError>> {
    deadline.begin();
    loop {
        let left = deadline.left().saturating_sub(reserve);
        if left.is_zero() {
            return None;
        }
        let look = Instant::now() + (left / LOOKS).max(SHORTEST_WAIT).min(left);
        match timeout_at(look, &mut *wakeup).await {
            Ok(woken) => return Some(woken),
            Err(_) => deadline.extend(look.elapsed()),
        }
    }
}

impl WriteGuard {
    /// Returns the predecessor's result, if it is newer than `revision`.
    pub(super) fn newer_than(&self, revision: Revision) -> Option<(Revision, Arc<Record>)> {
        let latest = self.with_queue(|queue| queue.latest.clone())?;
        latest.filter(|(latest, _)| latest.get() > revision.get())
    }

    /// Leaves a result to the next lock holder, and how long the store took for it.
    pub(super) fn publish(&self, revision: Revision, record: Arc<Record>, took: Duration) {
        self.with_queue(|queue| {
            queue.latest = Some((revision, record));
            queue.took = took;
        });
    }

    /// Returns how long the store took for the last write, if a write waits that may be committed
    /// with others.
    pub(super) fn last_write_time_if_contended(&self) -> Option<Duration> {
        self.with_queue(|queue| {
            let is_contended = queue.waiters.iter().any(|waiter| waiter.pending.is_some());
            is_contended.then_some(queue.took)
        })?
    }

    /// Takes all writes out of the queue that may be committed with others.
    pub(super) fn take_queued(&self) -> Vec<QueuedWrite> {
        let queued = self.with_queue(|queue| {
            let waiters = mem::take(&mut queue.waiters);
            let mut queued = Vec::new();
            for Waiter { number, pending, wakes } in waiters {
                match pending {
                    // Its request was dropped.
                    _ if wakes.is_closed() => {}
                    Some(pending) => queued.push(QueuedWrite { pending, result: None, wakes }),
                    None => queue.waiters.push_back(Waiter { number, pending, wakes }),
                }
            }
            queued
        });
        queued.unwrap_or_default()
    }

    fn with_queue<T>(&self, look: impl FnOnce(&mut RecordQueue) -> T) -> Option<T> {
        self.queue.shard(&self.key).get_mut(&self.key).map(look)
    }

    /// Takes the next waiter out of the queue, or removes the queue.
    fn next(&self) -> Option<oneshot::Sender<Wakeup>> {
        let mut shard = self.queue.shard(&self.key);
        let queue = shard.get_mut(&self.key)?;
        while let Some(Waiter { wakes, .. }) = queue.waiters.pop_front() {
            if !wakes.is_closed() {
                return Some(wakes);
            }
        }
        shard.remove(&self.key);
        None
    }
}

impl QueuedWrite {
    /// Returns a write of the lock holder itself, and where its answer comes.
    pub(super) fn new(pending: PendingWrite) -> (Self, oneshot::Receiver<Wakeup>) {
        let (wakes, wakeup) = oneshot::channel();
        (Self { pending, result: None, wakes }, wakeup)
    }

    pub(super) fn answer(self, outcome: Result<WriteOutcome, SaveError>) {
        // Fails when the request was dropped meanwhile.
        let _ = self.wakes.send(Wakeup::Committed(outcome));
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        if let Some(next) = self.next() {
            // A guard that the waiter does not take is dropped, and goes to the next.
            let _ = next.send(Wakeup::Lead(Self { queue: self.queue.clone(), key: self.key }));
        }
    }
}

impl fmt::Debug for WriteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteQueue")
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use futures_util::future::{join, join_all};
    use tokio::{
        task::yield_now,
        time::{self, timeout},
    };

    use super::{Opened, PendingWrite, Wakeup, WriteGuard, WriteQueue};
    use crate::{
        backend::{circuit_breaker::Deadline, server_side::write::outcome::WriteOutcome},
        dictionary::ChangeSet,
        error::SaveError,
        store::{Record, RecordKey, Revision, Timestamp},
    };

    fn in_a_while() -> Deadline {
        Deadline::after(Duration::from_secs(60))
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_millis(10))
    }

    fn key(number: u8) -> RecordKey {
        RecordKey::from_bytes([number; 32])
    }

    fn queues(queue: &WriteQueue) -> usize {
        queue.shared.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    async fn lock(queue: &WriteQueue, number: u8) -> WriteGuard {
        match queue.join(key(number), || None, &in_a_while(), Duration::ZERO).await.unwrap() {
            Wakeup::Lead(lock) => lock,
            Wakeup::Committed(_) => panic!("it had no write for others to commit"),
        }
    }

    fn pending() -> PendingWrite {
        let last_start = in_a_while().begin();
        let record = Record::sample("{}");
        let opened = Opened { verifier: record.verifier, epoch: record.epoch };
        let changes = ChangeSet::default();
        let seen = (Revision::first(), Arc::new(record));
        let store_now = Timestamp::default();
        PendingWrite {
            changes,
            opened,
            reads_back: false,
            store_now,
            seen,
            last_start,
            deadline: last_start,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_writer_at_a_time_for_each_record_and_no_queue_is_left() {
        let queue = WriteQueue::new();
        let inside = Arc::new(AtomicU32::new(0));
        let writers = (0..200u8).map(|number| {
            let (queue, inside) = (queue.clone(), Arc::clone(&inside));
            tokio::spawn(async move {
                let other = lock(&queue, number).await;
                let lock = lock(&queue, 255).await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                yield_now().await;
                assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                drop((lock, other));
            })
        });
        for done in join_all(writers).await {
            done.unwrap();
        }
        assert_eq!(queues(&queue), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_gives_up_or_is_dropped_leaves_the_queue() {
        let queue = WriteQueue::new();
        let first = lock(&queue, 1).await;
        let late = queue.join(key(1), || Some(pending()), &soon(), Duration::ZERO).await;
        assert!(matches!(late, Err(SaveError::Timeout)));
        assert!(timeout(Duration::from_millis(10), lock(&queue, 1)).await.is_err());
        assert!(first.take_queued().is_empty());
        drop(first);
        assert_eq!(queues(&queue), 0);
        lock(&queue, 1).await;
        assert_eq!(queues(&queue), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_worker_is_busy_for_is_not_the_time_of_those_that_wait() {
        let queue = WriteQueue::new();
        let first = lock(&queue, 1).await;
        let second = Deadline::after(Duration::from_secs(1));
        let waits = queue.join(key(1), || Some(pending()), &second, Duration::ZERO);
        let busy = async {
            yield_now().await;
            // At once: no timer fires meanwhile.
            time::advance(Duration::from_secs(5)).await;
            time::sleep(Duration::from_millis(100)).await;
            drop(first);
        };
        let (woken, ()) = join(waits, busy).await;
        assert!(matches!(woken, Ok(Wakeup::Lead(_))));
        drop(woken);
        assert_eq!(queues(&queue), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_its_waiter_does_not_take_goes_to_the_next() {
        let queue = WriteQueue::new();
        let first = lock(&queue, 1).await;
        let mut given_up = Box::pin(lock(&queue, 1));
        assert!(timeout(Duration::from_millis(1), &mut given_up).await.is_err());
        let next = async {
            yield_now().await;
            drop(first);
            // It has the lock, and has not read that yet.
            drop(given_up);
        };
        join(lock(&queue, 1), next).await;
        assert_eq!(queues(&queue), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_may_be_committed_with_others_is_taken_and_answered() {
        let queue = WriteQueue::new();
        let first = lock(&queue, 1).await;
        let waits =
            async { queue.join(key(1), || Some(pending()), &in_a_while(), Duration::ZERO).await };
        let writes = async {
            yield_now().await;
            let queued = first.take_queued();
            assert_eq!(queued.len(), 1);
            for write in queued {
                write.answer(Ok(WriteOutcome::Deleted));
            }
        };
        let (woken, ()) = join(waits, writes).await;
        assert!(matches!(woken, Ok(Wakeup::Committed(Ok(WriteOutcome::Deleted)))));
        drop(first);
        assert_eq!(queues(&queue), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_that_runs_when_the_time_is_over_is_waited_for() {
        let queue = WriteQueue::new();
        let first = lock(&queue, 1).await;
        let waits = async { queue.join(key(1), || Some(pending()), &soon(), Duration::ZERO).await };
        let writes = async {
            yield_now().await;
            let queued = first.take_queued();
            time::sleep(Duration::from_millis(100)).await;
            for write in queued {
                write.answer(Ok(WriteOutcome::Gone));
            }
        };
        assert!(matches!(
            join(waits, writes).await.0,
            Ok(Wakeup::Committed(Ok(WriteOutcome::Gone)))
        ));

        let waits =
            async { queue.join(key(1), || Some(pending()), &in_a_while(), Duration::ZERO).await };
        let is_dropped = async {
            yield_now().await;
            drop(first.take_queued());
        };
        let (woken, ()) = join(waits, is_dropped).await;
        assert!(matches!(woken, Err(SaveError::Timeout)), "the outcome is unknown");
    }
}
