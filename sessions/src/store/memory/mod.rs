//! Records in the memory of this process.

mod owner_index;
mod shard;
mod sweep;
mod time;

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use self::{owner_index::Owners, shard::Shards, time::Time};
use super::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};
use crate::clock::Clock;

/// One place in so many is kept for sessions that are not anonymous.
const RESERVED_SHARE: usize = 4;

/// A store in the memory of this process, shared by all its workers.
///
/// For one process, and for tests: the sessions end with the process. The number of records is bounded;
/// at the bound `create` answers [`StoreError::Full`], and sessions that have not expired are never
/// evicted. A quarter of the places is kept for sessions with an owner and for sessions that were
/// renewed, so that visitors who never log in leave room for logins. A thread removes expired records
/// every minute; it ends with the last clone of the store.
///
/// # Examples
///
/// ```
/// use sessions::{MemoryStore, ServerSide, SessionInterface};
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-id", idle_timeout = "30 minutes")]
/// struct AppSessions {
///     backend: ServerSide<MemoryStore>,
/// }
///
/// // Made once, outside the closure of `HttpServer::new`: its workers share it.
/// let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
/// sessions.check()?;
/// # Ok::<(), sessions::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    shards: Shards,
    owners: Owners,
    /// How many records there are, expired ones that are not yet removed included.
    count: AtomicUsize,
    /// How many of them any client could have made.
    anonymous: AtomicUsize,
    capacity: usize,
    time: Time,
}

impl MemoryStore {
    /// The capacity of a store that [`new`](Self::new) returns.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// Returns an empty store for 100,000 records.
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// Returns an empty store for this many records.
    pub fn with_capacity(capacity: usize) -> Self {
        Self::build(capacity, Time::monotonic())
    }

    /// Returns an empty store for 100,000 records that expire by this clock, for tests. By default
    /// they expire by the operating system's monotonic clock or, in a test whose middleware has
    /// [a clock of its own](crate::SessionMiddleware::with_clock), by that one from its first request on.
    pub fn with_clock(clock: Clock) -> Self {
        Self::build(Self::DEFAULT_CAPACITY, Time::by(clock))
    }

    fn build(capacity: usize, time: Time) -> Self {
        let shared = Arc::new(Shared {
            shards: Shards::default(),
            owners: Owners::default(),
            count: AtomicUsize::new(0),
            anonymous: AtomicUsize::new(0),
            capacity,
            time,
        });
        sweep::start(Arc::downgrade(&shared));
        Self { shared }
    }

    /// Returns how many records there are. Expired ones count until they are removed.
    pub fn len(&self) -> usize {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes the expired records now, and returns how many there were. The store does so by itself
    /// every minute, and when it is full.
    pub fn sweep(&self) -> usize {
        self.shared.sweep()
    }
}

impl Shared {
    fn sweep(&self) -> usize {
        let now = self.time.now();
        let removed = Cell::new(0);
        self.shards.retain(|entry| {
            let stays = entry.expires > now;
            if !stays {
                removed.set(removed.get() + 1);
                self.release(entry.is_anonymous());
            }
            stays
        });
        self.owners.sweep(now);
        removed.get()
    }

    /// Takes a place for one more record, if there is room.
    fn reserve(&self, is_anonymous: bool) -> bool {
        let taken = || {
            if is_anonymous
                && !take(&self.anonymous, self.capacity - self.capacity / RESERVED_SHARE)
            {
                return false;
            }
            let is_taken = take(&self.count, self.capacity);
            if is_anonymous && !is_taken {
                self.anonymous.fetch_sub(1, Ordering::Relaxed);
            }
            is_taken
        };
        taken() || self.time.may_sweep() && self.sweep() > 0 && taken()
    }

    fn release(&self, is_anonymous: bool) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.anonymous.fetch_sub(usize::from(is_anonymous), Ordering::Relaxed);
    }

    /// Counts a record that was replaced by one of another kind.
    fn recount(&self, was_anonymous: bool, is_anonymous: bool) {
        self.anonymous.fetch_add(usize::from(is_anonymous), Ordering::Relaxed);
        self.anonymous.fetch_sub(usize::from(was_anonymous), Ordering::Relaxed);
    }
}

fn take(count: &AtomicUsize, limit: usize) -> bool {
    let free = |count| (count < limit).then_some(count + 1);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_ok()
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.shared.capacity)
            .finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn follow(&self, clock: &Clock) -> bool {
        self.shared.time.follow(clock);
        true
    }

    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let shared = &*self.shared;
        let now = shared.time.now();
        let is_anonymous = record.is_anonymous();
        if !shared.reserve(is_anonymous) {
            return Err(StoreError::Full);
        }
        let created = shared.shards.of(key).create(key, record, now, ttl);
        Ok(match created {
            shard::Created::New(revision) => CreateOutcome::Created(revision),
            shard::Created::InsteadOf { expired, revision } => {
                shared.release(expired.is_anonymous());
                CreateOutcome::Created(revision)
            }
            shard::Created::Exists => {
                shared.release(is_anonymous);
                CreateOutcome::Exists
            }
        })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let now = self.shared.time.now();
        let present = self.shared.time.present(now);
        Ok(self.shared.shards.of(key).load(key, touch, now, present))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let now = self.shared.time.now();
        let replaced = self.shared.shards.of(key).replace(key, revision, record, now, ttl);
        Ok(match replaced {
            shard::Replaced::Done { former, revision } => {
                self.shared.recount(former.is_anonymous(), record.is_anonymous());
                ReplaceOutcome::Replaced(revision)
            }
            shard::Replaced::Conflict => ReplaceOutcome::Conflict,
            shard::Replaced::Gone => ReplaceOutcome::Gone,
        })
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let now = self.shared.time.now();
        let Some(entry) = self.shared.shards.of(key).remove(key) else {
            return Ok(DeleteOutcome::Absent);
        };
        self.shared.release(entry.is_anonymous());
        Ok(if entry.expires > now { DeleteOutcome::Deleted } else { DeleteOutcome::Absent })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let now = self.shared.time.now();
        let removed = self.shared.shards.of(key).remove_if(key, revision, now);
        Ok(match removed {
            shard::Removed::Done(entry) => {
                self.shared.release(entry.is_anonymous());
                DeleteIfOutcome::Deleted
            }
            shard::Removed::Conflict => DeleteIfOutcome::Conflict,
            shard::Removed::Gone => DeleteIfOutcome::Gone,
        })
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(&*self.shared)
    }

    fn answers_at_once(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        time::{Duration, UNIX_EPOCH},
    };

    use super::{MemoryStore, Time};
    use crate::{
        clock::Clock,
        store::{CreateOutcome, DeleteOutcome, OwnerKey, Record, RecordKey, Store, StoreError},
    };

    const MINUTE: Duration = Duration::from_secs(60);

    /// A store of this capacity, and the seconds of its clock.
    fn store_for(capacity: usize) -> (MemoryStore, Arc<AtomicU64>) {
        let seconds = Arc::new(AtomicU64::new(1_000));
        let clock = {
            let seconds = Arc::clone(&seconds);
            Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst)))
        };
        (MemoryStore::build(capacity, Time::by(clock)), seconds)
    }

    fn key(number: u8) -> RecordKey {
        RecordKey::from_bytes([number; 32])
    }

    async fn create(store: &MemoryStore, number: u8, ttl: Duration) -> Result<bool, StoreError> {
        let outcome = store.create(&key(number), &Record::sample("{}"), ttl).await?;
        Ok(matches!(outcome, CreateOutcome::Created(_)))
    }

    async fn is_there(store: &MemoryStore, number: u8) -> bool {
        store.load(&key(number), None).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_full_store_evicts_nothing_and_has_room_after_a_deletion() {
        let (store, _) = store_for(2);
        assert!(create(&store, 1, MINUTE).await.unwrap());
        assert!(create(&store, 2, MINUTE).await.unwrap());
        assert!(matches!(create(&store, 3, MINUTE).await, Err(StoreError::Full)));
        assert!(is_there(&store, 1).await && is_there(&store, 2).await);
        assert_eq!(store.len(), 2);

        assert_eq!(store.delete(&key(1)).await.unwrap(), DeleteOutcome::Deleted);
        assert_eq!(store.delete(&key(1)).await.unwrap(), DeleteOutcome::Absent);
        assert!(create(&store, 3, MINUTE).await.unwrap());
        assert!(matches!(create(&store, 4, MINUTE).await, Err(StoreError::Full)));
        assert_eq!(store.len(), 2);
    }

    #[tokio::test]
    async fn a_full_store_removes_expired_records_once_in_a_second() {
        let (store, seconds) = store_for(2);
        create(&store, 1, MINUTE).await.unwrap();
        create(&store, 2, 2 * MINUTE).await.unwrap();
        seconds.fetch_add(60, Ordering::SeqCst);
        assert!(create(&store, 3, MINUTE).await.unwrap());
        assert!(!is_there(&store, 1).await && is_there(&store, 2).await);
        seconds.fetch_add(60, Ordering::SeqCst);
        // Both have expired, and are removed at the first attempt of this second.
        assert!(create(&store, 4, MINUTE).await.unwrap());
        assert!(create(&store, 5, Duration::ZERO).await.unwrap());
        assert!(matches!(create(&store, 6, MINUTE).await, Err(StoreError::Full)));
        seconds.fetch_add(1, Ordering::SeqCst);
        assert!(create(&store, 6, MINUTE).await.unwrap());
        assert_eq!(store.len(), 2);
    }

    #[tokio::test]
    async fn a_sweep_removes_expired_records_only() {
        let (store, seconds) = store_for(1_000);
        let owner = OwnerKey::of_id("", "7");
        let index = store.owners().unwrap();
        for number in 0..200 {
            let ttl = if number % 2 == 0 { MINUTE } else { 2 * MINUTE };
            create(&store, number, ttl).await.unwrap();
            index.add(&owner, &key(number), ttl).await.unwrap();
        }
        index.end_before(&owner, None, MINUTE).await.unwrap();
        assert_eq!(store.sweep(), 0);
        seconds.fetch_add(60, Ordering::SeqCst);
        assert_eq!((store.len(), store.sweep(), store.len()), (200, 100, 100));
        for number in 0..200 {
            assert_eq!(is_there(&store, number).await, number % 2 == 1);
        }
        assert_eq!(index.keys(&owner).await.unwrap().len(), 100);
        assert_eq!(index.state(&owner).await.unwrap().ended_before, None);
        seconds.fetch_add(60, Ordering::SeqCst);
        assert_eq!((store.sweep(), store.is_empty()), (100, true));
        assert!(store.shared.owners.is_empty());
    }

    #[tokio::test]
    async fn an_expired_record_gives_its_place_to_the_next_under_its_key() {
        let (store, seconds) = store_for(2);
        create(&store, 1, MINUTE).await.unwrap();
        seconds.fetch_add(60, Ordering::SeqCst);
        assert!(create(&store, 1, MINUTE).await.unwrap());
        assert_eq!(store.len(), 1);
        assert!(!create(&store, 1, MINUTE).await.unwrap());
        assert_eq!(store.len(), 1);
    }
}
