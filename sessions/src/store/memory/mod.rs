//! Records in the memory of this process.

mod owners;
mod shard;
mod sweep;
mod time;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use self::{owners::Owners, shard::Shards, time::Time};
use super::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};
use crate::clock::Clock;

/// A store in the memory of this process, shared by all its workers.
///
/// For one process, and for tests: sessions end with it. It holds a bounded number of records; at
/// the bound `create` answers [`StoreError::Full`], and sessions that live are never evicted. A
/// thread removes expired records every minute; it ends with the last clone of the store.
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
/// # Ok::<(), sessions::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    shards: Shards,
    owners: Owners,
    /// How many records there are, the expired ones that are not yet removed among them.
    count: AtomicUsize,
    capacity: usize,
    time: Time,
}

impl MemoryStore {
    /// How many records a store holds unless [`with_capacity`](Self::with_capacity) says otherwise.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// Returns an empty store for 100,000 records.
    ///
    /// A record takes about 400 bytes and its content.
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// Returns an empty store for this many records.
    pub fn with_capacity(capacity: usize) -> Self {
        Self::build(capacity, Time::monotonic())
    }

    /// Returns an empty store for 100,000 records whose time passes by this clock, for tests.
    /// Otherwise it passes by the operating system's monotonic clock.
    pub fn with_clock(clock: Clock) -> Self {
        Self::build(Self::DEFAULT_CAPACITY, Time::by(clock))
    }

    fn build(capacity: usize, time: Time) -> Self {
        let shared = Arc::new(Shared {
            shards: Shards::default(),
            owners: Owners::default(),
            count: AtomicUsize::new(0),
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

    /// Removes the expired records now, and returns how many they were. The store does so by itself
    /// every minute, and when it is full.
    pub fn sweep(&self) -> usize {
        self.shared.sweep()
    }
}

impl Shared {
    fn sweep(&self) -> usize {
        let now = self.time.now();
        let removed = self.shards.retain(|entry| entry.expires > now);
        self.count.fetch_sub(removed, Ordering::Relaxed);
        self.owners.sweep(now);
        removed
    }

    /// Takes a place for one more record, if there is one.
    fn reserve(&self) -> bool {
        let taken = || {
            let free = |count| (count < self.capacity).then_some(count + 1);
            self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_ok()
        };
        taken() || self.time.is_first_in_a_second() && self.sweep() > 0 && taken()
    }

    fn release(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
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
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let shared = &*self.shared;
        let now = shared.time.now();
        if !shared.reserve() {
            return Err(StoreError::Full);
        }
        let created = shared.shards.of(key).create(key, record, now, ttl);
        // The place of an expired record is taken over with it.
        if !matches!(created, shard::Created::New) {
            shared.release();
        }
        Ok(match created {
            shard::Created::New | shard::Created::InsteadOfExpired => {
                CreateOutcome::Created(Revision::FIRST)
            }
            shard::Created::Exists => CreateOutcome::Exists,
        })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let now = self.shared.time.now();
        Ok(self.shared.shards.of(key).load(key, touch, now))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let now = self.shared.time.now();
        Ok(self.shared.shards.of(key).replace(key, revision, record, now, ttl))
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let now = self.shared.time.now();
        let Some(entry) = self.shared.shards.of(key).remove(key) else {
            return Ok(DeleteOutcome::Absent);
        };
        self.shared.release();
        Ok(if entry.expires > now { DeleteOutcome::Deleted } else { DeleteOutcome::Absent })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let now = self.shared.time.now();
        let outcome = self.shared.shards.of(key).remove_if(key, revision, now);
        if outcome == DeleteIfOutcome::Deleted {
            self.shared.release();
        }
        Ok(outcome)
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(&*self.shared)
    }
}
