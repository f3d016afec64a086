//! A store whose time a test sets.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use sessions::{
    request::Clock,
    store::{
        BoxFuture, CreateOutcome, DeleteIfOutcome, DeleteOutcome, Ended, Loaded, NotReady,
        OwnerIndex, OwnerKey, OwnerState, Record, RecordKey, ReplaceOutcome, Revision, Store,
        StoreError, Timestamp, Touch,
    },
    test::TestClock,
};

/// How much longer than a test the inner store keeps everything.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// A store around another, by a clock that a test moves: records and entries expire by it, and the times
/// that the store answers are its.
///
/// The inner store keeps all for a day longer than it is asked to.
pub struct TimedStore<S> {
    store: S,
    clock: TestClock,
    /// The last timestamp: each is given once.
    last: AtomicU64,
    expiry: Mutex<Expiry>,
}

#[derive(Default)]
struct Expiry {
    records: HashMap<RecordKey, SystemTime>,
    entries: HashMap<(OwnerKey, RecordKey), SystemTime>,
}

impl<S: Store> TimedStore<S> {
    /// Returns the store by this clock.
    pub fn new(store: S, clock: TestClock) -> Self {
        Self { store, clock, last: AtomicU64::new(0), expiry: Mutex::default() }
    }

    /// Makes an owner's index lose what it holds of this record, as a server that evicts keys does.
    ///
    /// # Errors
    ///
    /// Those of the store.
    ///
    /// # Panics
    ///
    /// When the store has no index of owners.
    pub async fn evict(&self, owner: &OwnerKey) -> Result<(), StoreError> {
        for key in self.index().keys(owner).await? {
            self.remove(owner, &key).await?;
        }
        Ok(())
    }

    /// Deletes the records that have expired, also those whose token no client has.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn sweep_expired(&self) -> Result<(), StoreError> {
        let known: Vec<_> = self.expiry().records.keys().copied().collect();
        for key in known {
            self.sweep(&key).await?;
        }
        Ok(())
    }

    /// Returns how many records have not expired.
    pub fn len(&self) -> usize {
        let now = self.clock.now();
        self.expiry().records.values().filter(|expires| **expires > now).count()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many entries an owner's index holds.
    pub fn entries(&self) -> usize {
        let now = self.clock.now();
        self.expiry().entries.values().filter(|expires| **expires > now).count()
    }

    fn expiry(&self) -> MutexGuard<'_, Expiry> {
        self.expiry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> &dyn OwnerIndex {
        self.store.owners().expect("the store has an index of owners")
    }

    fn stamp(&self) -> Timestamp {
        let now = Timestamp::of(self.clock.now()).get();
        let next = |last: u64| now.max(last + 1);
        let last =
            self.last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)));
        Timestamp::new(last.map_or_else(next, next))
    }

    /// Returns how long a record lives from now on, if it has not expired.
    fn left(&self, key: &RecordKey) -> Option<Duration> {
        let expires = *self.expiry().records.get(key)?;
        expires.duration_since(self.clock.now()).ok().filter(|left| !left.is_zero())
    }

    fn lives(&self, key: &RecordKey, ttl: Duration) {
        let expires = self.clock.now() + ttl;
        self.expiry().records.insert(*key, expires);
    }

    /// Deletes a record that has expired.
    async fn sweep(&self, key: &RecordKey) -> Result<(), StoreError> {
        if self.left(key).is_none() && self.expiry().records.contains_key(key) {
            self.store.delete(key).await?;
            self.expiry().records.remove(key);
        }
        Ok(())
    }
}

impl<S: Store> Store for TimedStore<S> {
    fn server(&self) -> Option<String> {
        self.store.server()
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.store.ready().await
    }

    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        self.sweep(key).await?;
        // First: a call that fails may be done nevertheless.
        let is_known = self.left(key).is_some();
        if !is_known {
            self.lives(key, ttl);
        }
        let outcome = self.store.create(key, record, ttl + LONG).await;
        if matches!(outcome, Err(StoreError::Full | StoreError::ReadOnly { .. })) && !is_known {
            self.expiry().records.remove(key);
        }
        outcome
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        self.sweep(key).await?;
        let Some(loaded) = self.store.load(key, None).await? else { return Ok(None) };
        let Some(left) = self.left(key) else { return Ok(None) };
        let due = touch.filter(|touch| touch.is_due(left));
        if let Some(touch) = due {
            self.lives(key, touch.ttl);
        }
        Ok(Some(Loaded {
            expires_in: due.map_or(left, |touch| touch.ttl),
            touched: due.is_some(),
            now: Timestamp::of(self.clock.now()),
            ..loaded
        }))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.sweep(key).await?;
        let outcome = self.store.replace(key, revision, record, ttl + LONG).await?;
        if matches!(outcome, ReplaceOutcome::Replaced(_)) {
            self.lives(key, ttl);
        }
        Ok(outcome)
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.sweep(key).await?;
        let outcome = self.store.delete(key).await?;
        self.expiry().records.remove(key);
        Ok(outcome)
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.sweep(key).await?;
        let outcome = self.store.delete_if(key, revision).await?;
        if outcome == DeleteIfOutcome::Deleted {
            self.expiry().records.remove(key);
        }
        Ok(outcome)
    }

    /// A test has set its clock already.
    fn follow(&self, _: &Clock) -> bool {
        true
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.store.owners().map(|_| self as &dyn OwnerIndex)
    }
}

impl<S: Store> OwnerIndex for TimedStore<S> {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(async move {
            let state = self.index().add(owner, key, ttl + LONG).await?;
            let until = self.clock.now() + ttl;
            let mut expiry = self.expiry();
            let entry = expiry.entries.entry((*owner, *key)).or_insert(until);
            *entry = until.max(*entry);
            Ok(OwnerState { now: self.stamp(), ..state })
        })
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.expiry().entries.remove(&(*owner, *key));
        self.index().remove(owner, key)
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        Box::pin(async move {
            let mut keys = self.index().keys(owner).await?;
            let (now, expiry) = (self.clock.now(), self.expiry());
            // Also of a store that finds records by their owner, and has no entries.
            keys.retain(|key| {
                let until = expiry.entries.get(&(*owner, *key));
                until.is_some_and(|until| *until > now)
            });
            Ok(keys)
        })
    }

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(async move {
            let state = self.index().state(owner).await?;
            Ok(OwnerState { now: self.stamp(), ..state })
        })
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        let up_to = up_to.unwrap_or_else(|| self.stamp());
        self.index().end_before(owner, Some(up_to), ttl + LONG)
    }
}

impl<S> fmt::Debug for TimedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimedStore")
    }
}
