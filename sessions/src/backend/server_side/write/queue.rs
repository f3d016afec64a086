//! Writers of one record wait for each other within this process instead of fighting at the store.
//!
//! Who gets the turn starts from what the one before wrote, and writes for all that wait and only
//! have changes to make: a row of writers costs the store about one call for each time it answers.

use std::{
    array,
    collections::{VecDeque, hash_map::Entry},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::cas::WriteOutcome;
use crate::{
    dictionary::ChangeSet,
    error::SaveError,
    store::{KeyMap, Record, RecordKey, Revision, StoreError, VerifierHash},
};

const SHARDS: usize = 16;

/// Who writes which record, and who waits for it.
#[derive(Clone)]
pub(in crate::backend::server_side) struct WriteQueue {
    shared: Arc<Shared>,
}

struct Shared {
    /// There is a queue while somebody has the turn.
    shards: [Mutex<KeyMap<Queue>>; SHARDS],
    next_number: AtomicU64,
}

/// Those who wait to write one record, in the order of asking.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiter>,
    /// What the last one wrote.
    latest: Option<(Revision, Record)>,
    /// How long the store took for that.
    took: Duration,
}

struct Waiter {
    number: u64,
    /// What whoever has the turn may do for it.
    changes: Option<PendingWrite>,
    told: oneshot::Sender<Wakeup>,
}

/// PendingWrite that somebody else may write.
#[derive(Clone)]
pub(in crate::backend::server_side) struct PendingWrite {
    pub(in crate::backend::server_side) set: ChangeSet,
    /// The verifier of the token that the request came with.
    pub(in crate::backend::server_side) opened_with: VerifierHash,
    /// What they were made on.
    pub(in crate::backend::server_side) found: (Revision, Record),
    /// When they are not to be begun any more.
    pub(in crate::backend::server_side) last_start: Instant,
    pub(in crate::backend::server_side) deadline: Instant,
}

/// One who waits, and whose changes are written by somebody else.
pub(in crate::backend::server_side) struct QueuedWrite {
    pub(in crate::backend::server_side) changes: PendingWrite,
    /// The session as these changes leave it, as JSON; those of others come after them.
    pub(in crate::backend::server_side) made: Option<Arc<str>>,
    told: oneshot::Sender<Wakeup>,
}

/// What one who waits is told.
pub(in crate::backend::server_side) enum Wakeup {
    Lead(WriteGuard),
    Committed(Result<WriteOutcome, SaveError>),
}

/// The right to write a record, until it is dropped.
pub(in crate::backend::server_side) struct WriteGuard {
    turns: WriteQueue,
    key: RecordKey,
}

impl WriteQueue {
    pub(in crate::backend::server_side) fn new() -> Self {
        let shards = array::from_fn(|_| Mutex::default());
        Self { shared: Arc::new(Shared { shards, next_number: AtomicU64::new(0) }) }
    }

    /// Waits until those who asked before have written, or until one of them has written these
    /// `changes` as well. Nothing is written when it is an error.
    pub(in crate::backend::server_side) async fn take(
        &self,
        key: RecordKey,
        changes: impl FnOnce() -> Option<PendingWrite>,
        last_start: impl FnOnce() -> Instant,
    ) -> Result<Wakeup, SaveError> {
        let (number, mut hears) = match self.shard(&key).entry(key) {
            Entry::Vacant(free) => {
                free.insert(Queue::default());
                return Ok(Wakeup::Lead(WriteGuard { turns: self.clone(), key }));
            }
            Entry::Occupied(mut taken) => {
                let number = self.shared.next_number.fetch_add(1, Ordering::Relaxed);
                let (told, hears) = oneshot::channel();
                let changes = changes();
                taken.get_mut().waiting.push_back(Waiter { number, changes, told });
                (number, hears)
            }
        };
        let heard = match timeout_at(last_start(), &mut hears).await {
            Ok(heard) => heard,
            Err(_) if self.leave(&key, number) => return Err(StoreError::Timeout.into()),
            // Somebody is at it.
            Err(_) => hears.await,
        };
        // Who was at it is no more: whether it is written is unknown.
        heard.map_err(|_| StoreError::Timeout.into())
    }

    /// Leaves the queue. Returns `false` when it is too late for that.
    fn leave(&self, key: &RecordKey, number: u64) -> bool {
        let mut shard = self.shard(key);
        let Some(queue) = shard.get_mut(key) else { return false };
        let before = queue.waiting.len();
        queue.waiting.retain(|waiting| waiting.number != number);
        queue.waiting.len() < before
    }

    fn shard(&self, key: &RecordKey) -> MutexGuard<'_, KeyMap<Queue>> {
        let [first, ..] = *key.as_bytes();
        let shard = &self.shared.shards[usize::from(first) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteGuard {
    /// Returns what the one before wrote, if that is newer than `revision`.
    pub(in crate::backend::server_side) fn newer_than(
        &self,
        revision: Revision,
    ) -> Option<(Revision, Record)> {
        let latest = self.queue(|queue| queue.latest.clone())?;
        latest.filter(|(latest, _)| latest.get() > revision.get())
    }

    /// Leaves what was written to the next one, and how long the store took for it.
    pub(in crate::backend::server_side) fn leave(
        &self,
        revision: Revision,
        record: Record,
        took: Duration,
    ) {
        self.queue(|queue| {
            queue.latest = Some((revision, record));
            queue.took = took;
        });
    }

    /// Returns how long the store took for the last write, if somebody waits whose changes can be
    /// written with others.
    pub(in crate::backend::server_side) fn last_write_time_if_contended(&self) -> Option<Duration> {
        self.queue(|queue| {
            let some_wait = queue.waiting.iter().any(|waiting| waiting.changes.is_some());
            some_wait.then_some(queue.took)
        })?
    }

    /// Takes out of the queue all those whose changes can be written with one's own.
    pub(in crate::backend::server_side) fn joined(&self) -> Vec<QueuedWrite> {
        let joined = self.queue(|queue| {
            let waiting = std::mem::take(&mut queue.waiting);
            let mut joined = Vec::new();
            for Waiter { number, changes, told } in waiting {
                match changes {
                    // Its request was dropped.
                    _ if told.is_closed() => {}
                    Some(changes) => joined.push(QueuedWrite { changes, made: None, told }),
                    None => queue.waiting.push_back(Waiter { number, changes, told }),
                }
            }
            joined
        });
        joined.unwrap_or_default()
    }

    fn queue<T>(&self, look: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        self.turns.shard(&self.key).get_mut(&self.key).map(look)
    }

    /// Takes the next one out of the queue, or the queue away.
    fn next(&self) -> Option<oneshot::Sender<Wakeup>> {
        let mut shard = self.turns.shard(&self.key);
        let queue = shard.get_mut(&self.key)?;
        while let Some(Waiter { told, .. }) = queue.waiting.pop_front() {
            if !told.is_closed() {
                return Some(told);
            }
        }
        shard.remove(&self.key);
        None
    }
}

impl QueuedWrite {
    /// Returns one's own changes, as if somebody else wrote them, and what is told of them.
    pub(in crate::backend::server_side) fn own(
        changes: PendingWrite,
    ) -> (Self, oneshot::Receiver<Wakeup>) {
        let (told, hears) = oneshot::channel();
        (Self { changes, made: None, told }, hears)
    }

    pub(in crate::backend::server_side) fn tell(self, done: Result<WriteOutcome, SaveError>) {
        // Who does not hear it was dropped meanwhile.
        let _ = self.told.send(Wakeup::Committed(done));
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        if let Some(next) = self.next() {
            // One that is not taken is dropped, and passes itself on.
            let _ = next.send(Wakeup::Lead(Self { turns: self.turns.clone(), key: self.key }));
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
        time::{Instant, timeout},
    };

    use super::{PendingWrite, Wakeup, WriteGuard, WriteQueue};
    use crate::{
        backend::server_side::write::cas::WriteOutcome,
        dictionary::ChangeSet,
        error::SaveError,
        store::{Record, RecordKey, Revision, VerifierHash},
    };

    fn in_a_while() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn key(number: u8) -> RecordKey {
        RecordKey::from_bytes([number; 32])
    }

    fn queues(turns: &WriteQueue) -> usize {
        turns.shared.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    async fn turn(turns: &WriteQueue, number: u8) -> WriteGuard {
        match turns.take(key(number), || None, in_a_while).await.unwrap() {
            Wakeup::Lead(turn) => turn,
            Wakeup::Committed(_) => panic!("there was nothing to do for it"),
        }
    }

    fn record() -> Record {
        let verifier = VerifierHash::of(b"any");
        let payload = "{}".into();
        Record { payload, verifier, previous: None, created_secs: 0, renewed_millis: 0, ttl_secs: 60, owner: None }
    }

    fn changes() -> PendingWrite {
        let last_start = in_a_while();
        let opened_with = VerifierHash::of(b"any");
        let set = ChangeSet::default();
        let found = (Revision::FIRST, record());
        PendingWrite { set, opened_with, found, last_start, deadline: last_start }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_at_a_time_for_each_record_and_nothing_is_left() {
        let turns = WriteQueue::new();
        let inside = Arc::new(AtomicU32::new(0));
        let writers = (0..200u8).map(|number| {
            let (turns, inside) = (turns.clone(), Arc::clone(&inside));
            tokio::spawn(async move {
                let other = turn(&turns, number).await;
                let turn = turn(&turns, 255).await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                yield_now().await;
                assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                drop((turn, other));
            })
        });
        for done in join_all(writers).await {
            done.unwrap();
        }
        assert_eq!(queues(&turns), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_or_is_dropped_leaves_the_queue() {
        let turns = WriteQueue::new();
        let first = turn(&turns, 1).await;
        let soon = || Instant::now() + Duration::from_millis(10);
        let late = turns.take(key(1), || Some(changes()), soon).await;
        assert!(matches!(late, Err(SaveError::Timeout)));
        assert!(timeout(Duration::from_millis(10), turn(&turns, 1)).await.is_err());
        assert!(first.joined().is_empty());
        drop(first);
        assert_eq!(queues(&turns), 0);
        turn(&turns, 1).await;
        assert_eq!(queues(&turns), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_nobody_takes_goes_to_the_next() {
        let turns = WriteQueue::new();
        let first = turn(&turns, 1).await;
        let mut given_up = Box::pin(turn(&turns, 1));
        assert!(timeout(Duration::from_millis(1), &mut given_up).await.is_err());
        let next = async {
            yield_now().await;
            drop(first);
            // It has the turn, and does not know it yet.
            drop(given_up);
        };
        join(turn(&turns, 1), next).await;
        assert_eq!(queues(&turns), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_has_changes_to_make_is_written_for() {
        let turns = WriteQueue::new();
        let first = turn(&turns, 1).await;
        let joins = async { turns.take(key(1), || Some(changes()), in_a_while).await };
        let writes = async {
            yield_now().await;
            let joined = first.joined();
            assert_eq!(joined.len(), 1);
            for one in joined {
                one.tell(Ok(WriteOutcome::Deleted));
            }
        };
        let (told, ()) = join(joins, writes).await;
        assert!(matches!(told, Ok(Wakeup::Committed(Ok(WriteOutcome::Deleted)))));
        drop(first);
        assert_eq!(queues(&turns), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_at_it_when_the_time_is_over_is_waited_for() {
        let turns = WriteQueue::new();
        let first = turn(&turns, 1).await;
        let soon = || Instant::now() + Duration::from_millis(10);
        let joins = async { turns.take(key(1), || Some(changes()), soon).await };
        let writes = async {
            yield_now().await;
            let joined = first.joined();
            tokio::time::sleep(Duration::from_millis(100)).await;
            for one in joined {
                one.tell(Ok(WriteOutcome::Gone));
            }
        };
        assert!(matches!(join(joins, writes).await.0, Ok(Wakeup::Committed(Ok(WriteOutcome::Gone)))));

        let joins = async { turns.take(key(1), || Some(changes()), in_a_while).await };
        let breaks_off = async {
            yield_now().await;
            drop(first.joined());
        };
        let (told, ()) = join(joins, breaks_off).await;
        assert!(matches!(told, Err(SaveError::Timeout)), "whether it is written is unknown");
    }
}
