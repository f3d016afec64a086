//! Writers of one record wait for each other within this process instead of fighting at the store.
//!
//! Who has a turn also learns what the one before wrote, and starts from there: a row of writers
//! costs the store one call each.

use std::{
    array,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::guard::Deadline;
use crate::store::{Record, RecordKey, Revision, StoreError};

const SHARDS: usize = 16;

pub(super) struct Turns {
    shards: [Mutex<HashMap<RecordKey, Arc<Queue>>>; SHARDS],
}

/// Those who write one record.
struct Queue {
    /// One permit, given in the order of asking.
    next: Arc<Semaphore>,
    /// What the last one wrote.
    latest: Mutex<Option<(Revision, Record)>>,
}

/// The right to write a record, until it is dropped.
pub(super) struct Turn<'t> {
    place: Place<'t>,
    _permit: OwnedSemaphorePermit,
}

/// A place in a queue. The last one to leave takes the queue away.
struct Place<'t> {
    turns: &'t Turns,
    key: RecordKey,
    queue: Arc<Queue>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { shards: array::from_fn(|_| Mutex::default()) }
    }

    /// Waits until those who asked before have written.
    pub(super) async fn take(
        &self,
        key: RecordKey,
        deadline: Deadline,
    ) -> Result<Turn<'_>, StoreError> {
        let queue = Arc::clone(self.shard(&key).entry(key).or_insert_with(|| {
            Arc::new(Queue { next: Arc::new(Semaphore::new(1)), latest: Mutex::new(None) })
        }));
        let next = Arc::clone(&queue.next);
        let place = Place { turns: self, key, queue };
        let permit = match Arc::clone(&next).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => timeout(deadline.left(), next.acquire_owned())
                .await
                .map_err(|_| StoreError::Timeout)?
                .expect("nobody closes the semaphore"),
        };
        Ok(Turn { place, _permit: permit })
    }

    fn shard(&self, key: &RecordKey) -> MutexGuard<'_, HashMap<RecordKey, Arc<Queue>>> {
        let [first, ..] = *key.as_bytes();
        lock(&self.shards[usize::from(first) % SHARDS])
    }
}

impl Turn<'_> {
    /// Returns what the one before wrote, if that is newer than `revision`.
    pub(super) fn newer_than(&self, revision: Revision) -> Option<(Revision, Record)> {
        let latest = lock(&self.place.queue.latest);
        latest.clone().filter(|(latest, _)| latest.get() > revision.get())
    }

    /// Leaves what was written to the next one.
    pub(super) fn leave(&self, revision: Revision, record: Record) {
        *lock(&self.place.queue.latest) = Some((revision, record));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut shard = self.turns.shard(&self.key);
        // The map's own and this one: places are taken under the same lock.
        if Arc::strong_count(&self.queue) == 2 {
            shard.remove(&self.key);
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turns")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    use futures_util::future::join_all;
    use tokio::{task::yield_now, time::timeout};

    use super::{Deadline, Turns};
    use crate::store::{RecordKey, StoreError};

    const LONG: Duration = Duration::from_secs(60);

    fn key(number: u8) -> RecordKey {
        RecordKey::from_bytes([number; 32])
    }

    fn queues(turns: &Turns) -> usize {
        turns.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_at_a_time_for_each_record_and_nothing_is_left() {
        let turns = Arc::new(Turns::new());
        let inside = Arc::new(AtomicU32::new(0));
        let writers = (0..200u8).map(|number| {
            let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
            tokio::spawn(async move {
                let other = turns.take(key(number), Deadline::after(LONG)).await.unwrap();
                let turn = turns.take(key(255), Deadline::after(LONG)).await.unwrap();
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
        let turns = Turns::new();
        let turn = turns.take(key(1), Deadline::after(LONG)).await.unwrap();
        let late = turns.take(key(1), Deadline::after(Duration::from_millis(10))).await;
        assert!(matches!(late, Err(StoreError::Timeout)));
        let waiting = turns.take(key(1), Deadline::after(LONG));
        assert!(timeout(Duration::from_millis(10), waiting).await.is_err());
        drop(turn);
        assert_eq!(queues(&turns), 0);
        turns.take(key(1), Deadline::after(LONG)).await.unwrap();
        assert_eq!(queues(&turns), 0);
    }
}
