//! The memory store, with one thing wrong.

mod owner_index;
mod renumbered;

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sessions::{
    MemoryStore,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, OwnerKey, Record,
        RecordKey, ReplaceOutcome, Revision, Store, StoreError, Timestamp, Touch,
    },
    test::store,
};
use tokio::task::yield_now;

use self::renumbered::Renumbered;

const CAPACITY: usize = 5_000;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wrong {
    // Records.
    Overwrites,
    CreatesInTwoSteps,
    Resurrects,
    ReplacesInTwoSteps,
    IgnoresRevisions,
    KeepsRevisions,
    KeepsTheOldTime,
    DeletesAnyRevision,
    DeletesInTwoSteps,
    NeverExpires,
    AlwaysTouches,
    NeverTouches,
    TouchShortens,
    TouchCountsAsReplacement,
    TouchWritesTheRecord,
    SaysItTouched,
    CutsLongRecords,
    FoldsCase,
    LeavesHalfAReplacement,
    SaysDeletedForNothing,
    SaysItAnswersAtOnce,
    Fails,
    // Revisions.
    StartsAgain,
    StartsWithTheMillisecond,
    StartsAgainAfterExpiry,
    CountsDown,
    // Times.
    LoadsByAnotherClock,
    TellsMilliseconds,
    RoundsExpiry,
    // Owners.
    FindsNoOwners,
    MixesOwners,
    KeepsWhatIsTakenBack,
    AddsOnce,
    AddingAgainShortens,
    HalvesTheTimeOfEntries,
    TheLastEntryTimesAll,
    TheLastMomentStays,
    RoundsMoments,
    AddTellsNoMoment,
    OneMomentForAll,
    EndsInThePast,
    EndsInTheFuture,
    TellsNoMomentBefore,
    StampsBeforeItWaits,
    ShortEndsShorten,
    LooksBeforeItAdds,
    // When it is full.
    EvictsWhenFull,
    EndsNeedRoom,
    RemovalsNeedRoom,
    DeletionsNeedRoom,
}

/// The memory store, with one thing wrong.
pub(crate) struct WrongStore {
    inner: Renumbered,
    wrong: Wrong,
    creations: AtomicUsize,
    first: Mutex<Option<RecordKey>>,
    /// The records that were not deleted, with their first revisions.
    first_revisions: Mutex<HashMap<RecordKey, Revision>>,
    moments: Mutex<HashMap<OwnerKey, Timestamp>>,
    ends_until: Mutex<HashMap<OwnerKey, Instant>>,
}

impl WrongStore {
    pub(crate) fn new(wrong: Wrong) -> Self {
        let inner = MemoryStore::with_capacity(CAPACITY);
        Self {
            inner: Renumbered::new(inner, wrong == Wrong::CountsDown),
            wrong,
            creations: AtomicUsize::default(),
            first: Mutex::default(),
            first_revisions: Mutex::default(),
            moments: Mutex::default(),
            ends_until: Mutex::default(),
        }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    /// Fails on a full store, where the wrong is that something needs room.
    fn needs_room(&self, wrong: Wrong) -> Result<(), StoreError> {
        let is_full = self.inner.store().len() >= CAPACITY;
        if self.is(wrong) && is_full { Err(StoreError::Full) } else { Ok(()) }
    }

    fn time(&self, ttl: Duration) -> Duration {
        if self.is(Wrong::NeverExpires) { ttl + Duration::from_secs(5) } else { ttl }
    }

    fn key(&self, key: &RecordKey) -> RecordKey {
        let mut bytes = *key.as_bytes();
        if self.is(Wrong::FoldsCase) && bytes[0] >> 2 == 26 {
            bytes[0] &= 3;
        }
        RecordKey::from_bytes(bytes)
    }

    /// Gives a record that was created the revision that the wrong store would give it.
    fn number(&self, key: &RecordKey, created: Revision) -> Revision {
        let first = match self.wrong {
            Wrong::StartsAgain => Revision::new(1),
            Wrong::StartsWithTheMillisecond => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Revision::new(u64::try_from(now.as_millis()).unwrap_or_default())
            }
            Wrong::StartsAgainAfterExpiry => {
                *lock(&self.first_revisions).entry(*key).or_insert(created)
            }
            _ => return created,
        };
        self.inner.renumber(key, created, first);
        first
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told_to_fail() -> StoreError {
    StoreError::unavailable(std::io::Error::other("told to fail"))
}

impl Store for WrongStore {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let (key, ttl) = (&self.key(key), self.time(ttl));
        if self.is(Wrong::Fails) && self.creations.fetch_add(1, Ordering::SeqCst) > 3 {
            return Err(told_to_fail());
        }
        if self.is(Wrong::Overwrites) {
            self.inner.delete(key).await?;
        }
        if self.is(Wrong::CreatesInTwoSteps) {
            if self.inner.load(key, None).await?.is_some() {
                return Ok(CreateOutcome::Exists);
            }
            yield_now().await;
            self.inner.delete(key).await?;
        }
        if self.is(Wrong::CutsLongRecords) && record.payload_len() > 60_000 {
            return self.inner.create(key, &store::record("{}"), ttl).await;
        }
        match self.inner.create(key, record, ttl).await {
            Err(StoreError::Full) if self.is(Wrong::EvictsWhenFull) => {
                let oldest = lock(&self.first).take().ok_or(StoreError::Full)?;
                self.inner.delete(&oldest).await?;
                self.inner.create(key, record, ttl).await
            }
            outcome => {
                if self.creations.fetch_add(1, Ordering::SeqCst) == 0 {
                    *lock(&self.first) = Some(*key);
                }
                Ok(match outcome? {
                    CreateOutcome::Created(revision) => {
                        CreateOutcome::Created(self.number(key, revision))
                    }
                    CreateOutcome::Exists => CreateOutcome::Exists,
                })
            }
        }
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let key = &self.key(key);
        let touch = match self.wrong {
            Wrong::NeverTouches => None,
            Wrong::AlwaysTouches => {
                touch.map(|touch| Touch { ttl: touch.ttl, interval: Duration::ZERO })
            }
            _ => touch,
        };
        let Some(mut loaded) = self.inner.load(key, touch).await? else { return Ok(None) };
        if let (true, Some(touch)) = (self.is(Wrong::TouchShortens), touch)
            && loaded.expires_in > touch.ttl
        {
            let replaced =
                self.inner.replace(key, loaded.revision, &loaded.record, touch.ttl).await?;
            if let ReplaceOutcome::Replaced(next) = replaced {
                self.inner.renumber(key, next, loaded.revision);
            }
            loaded.expires_in = touch.ttl;
        }
        if self.is(Wrong::SaysItTouched) {
            loaded.touched = true;
        }
        if let (true, Some(touch)) = (loaded.touched, touch) {
            if self.is(Wrong::TouchCountsAsReplacement) {
                self.inner.replace(key, loaded.revision, &loaded.record, touch.ttl).await?;
            }
            if self.is(Wrong::TouchWritesTheRecord) {
                yield_now().await;
                // Whatever is there by now, and whether there is anything.
                if let Some(newer) = self.inner.load(key, None).await? {
                    let (revision, record) = (newer.revision, &loaded.record);
                    let outcome = self.inner.replace(key, revision, record, touch.ttl).await?;
                    if let ReplaceOutcome::Replaced(next) = outcome {
                        self.inner.renumber(key, next, revision);
                    }
                } else {
                    self.inner.create(key, &loaded.record, touch.ttl).await?;
                }
            }
        }
        match self.wrong {
            Wrong::LoadsByAnotherClock => {
                loaded.now = Timestamp::new(loaded.now.get() + 60_000_000);
            }
            Wrong::TellsMilliseconds => loaded.now = Timestamp::new(loaded.now.get() / 1_000),
            Wrong::RoundsExpiry => {
                let tens = loaded.expires_in.as_secs().div_ceil(10);
                loaded.expires_in = Duration::from_secs(tens * 10);
            }
            _ => {}
        }
        Ok(Some(loaded))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let (key, mut ttl) = (&self.key(key), self.time(ttl));
        if self.is(Wrong::SaysItAnswersAtOnce) {
            yield_now().await;
        }
        let present = self.inner.load(key, None).await?;
        let mut expected = revision;
        match (self.wrong, &present) {
            (Wrong::Resurrects, None) => {
                self.inner.create(key, record, ttl).await?;
                return Ok(ReplaceOutcome::Replaced(revision.next()));
            }
            (Wrong::IgnoresRevisions, Some(present)) => expected = present.revision,
            (Wrong::KeepsTheOldTime, Some(present)) => ttl = present.expires_in,
            (Wrong::ReplacesInTwoSteps, Some(present)) => {
                if present.revision != revision {
                    return Ok(ReplaceOutcome::Conflict);
                }
                yield_now().await;
                expected = self.inner.load(key, None).await?.map_or(revision, |now| now.revision);
            }
            (Wrong::LeavesHalfAReplacement, Some(_)) => {
                let half = store::record("{}");
                let outcome = self.inner.replace(key, revision, &half, ttl).await?;
                let ReplaceOutcome::Replaced(half) = outcome else { return Ok(outcome) };
                yield_now().await;
                return self.inner.replace(key, half, record, ttl).await;
            }
            (Wrong::KeepsRevisions, Some(_)) => {
                let outcome = self.inner.replace(key, revision, record, ttl).await?;
                let ReplaceOutcome::Replaced(next) = outcome else { return Ok(outcome) };
                self.inner.renumber(key, next, revision);
                return Ok(ReplaceOutcome::Replaced(revision));
            }
            _ => {}
        }
        self.inner.replace(key, expected, record, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let key = &self.key(key);
        if self.is(Wrong::DeletesInTwoSteps) {
            let outcome = match self.inner.load(key, None).await? {
                Some(_) => DeleteOutcome::Deleted,
                None => DeleteOutcome::Absent,
            };
            yield_now().await;
            self.inner.delete(key).await?;
            return Ok(outcome);
        }
        let outcome = self.inner.delete(key).await?;
        lock(&self.first_revisions).remove(key);
        Ok(if self.is(Wrong::SaysDeletedForNothing) { DeleteOutcome::Deleted } else { outcome })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let key = &self.key(key);
        if self.is(Wrong::DeletesAnyRevision) {
            return Ok(match self.inner.delete(key).await? {
                DeleteOutcome::Deleted => DeleteIfOutcome::Deleted,
                DeleteOutcome::Absent => DeleteIfOutcome::Gone,
            });
        }
        self.needs_room(Wrong::DeletionsNeedRoom)?;
        let outcome = self.inner.delete_if(key, revision).await?;
        if outcome == DeleteIfOutcome::Deleted {
            lock(&self.first_revisions).remove(key);
        }
        Ok(outcome)
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }

    fn answers_at_once(&self) -> bool {
        self.is(Wrong::SaysItAnswersAtOnce)
    }
}
