//! The suite for authors of stores: the memory store passes it, and stores that are wrong in one
//! point fail in that point.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::{FutureExt, join_all};
use sessions::{
    MemoryStore,
    store::{
        BoxFuture, CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, OwnerKey,
        Record, RecordKey, ReplaceOutcome, Revision, Store, StoreError, Timestamp, Touch,
    },
    test::store::{self, breaches, conformance, conformance_when_full},
};
use sessions_tests::reliability::every_history_has_an_order;
use tokio::task::yield_now;

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_keeps_the_contract() {
    conformance(MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_keeps_the_contract_when_full() {
    let store = MemoryStore::with_capacity(1_000);
    conformance_when_full(store.clone()).await;
    assert_eq!(store.len(), 1_000 - 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_history_of_the_memory_store_has_an_order() {
    every_history_has_an_order("memory", MemoryStore::new()).await;
}

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
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
    TouchCountsAsReplacement,
    TouchWritesTheRecord,
    SaysItTouched,
    CutsLongRecords,
    FoldsCase,
    LeavesHalfAReplacement,
    SaysDeletedForNothing,
    EvictsWhenFull,
    Fails,
    FindsNoOwners,
    MixesOwners,
    KeepsWhatIsTakenBack,
    NotesOnce,
    TheLastMomentStays,
    RoundsMoments,
    LooksBeforeItNotes,
}

/// The memory store, with one thing wrong.
struct WrongStore {
    inner: MemoryStore,
    wrong: Wrong,
    creations: AtomicUsize,
    first: Mutex<Option<RecordKey>>,
    last_moment: Mutex<HashMap<OwnerKey, Timestamp>>,
}

impl WrongStore {
    fn new(wrong: Wrong) -> Self {
        Self {
            inner: MemoryStore::with_capacity(5_000),
            wrong,
            creations: AtomicUsize::default(),
            first: Mutex::default(),
            last_moment: Mutex::default(),
        }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
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
                let oldest = self
                    .first
                    .lock()
                    .expect("nobody panics with it")
                    .take()
                    .ok_or(StoreError::Full)?;
                self.inner.delete(&oldest).await?;
                self.inner.create(key, record, ttl).await
            }
            outcome => {
                if self.creations.fetch_add(1, Ordering::SeqCst) == 0 {
                    *self.first.lock().expect("nobody panics with it") = Some(*key);
                }
                outcome
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
                let revision = match self.inner.load(key, None).await? {
                    Some(newer) => newer.revision,
                    None => Revision::FIRST,
                };
                self.inner.delete(key).await?;
                self.inner.create(key, &loaded.record, touch.ttl).await?;
                let mut now = Revision::FIRST;
                while now.get() < revision.get() {
                    self.inner.replace(key, now, &loaded.record, touch.ttl).await?;
                    now = now.next();
                }
            }
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
        let present = self.inner.load(key, None).await?;
        let mut expected = revision;
        match (self.wrong, &present) {
            (Wrong::Resurrects, None) => {
                self.inner.create(key, record, ttl).await?;
                return Ok(ReplaceOutcome::Replaced(Revision::FIRST));
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
            (Wrong::KeepsRevisions, Some(present)) => {
                if present.revision != revision {
                    return Ok(ReplaceOutcome::Conflict);
                }
                self.inner.delete(key).await?;
                self.inner.create(key, record, ttl).await?;
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
        self.inner.delete_if(key, revision).await
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

impl WrongStore {
    fn index(&self) -> &dyn OwnerIndex {
        self.inner.owners().expect("the memory store has an index")
    }

    fn owner(&self, owner: &OwnerKey) -> OwnerKey {
        let mut bytes = *owner.as_bytes();
        if self.is(Wrong::MixesOwners) {
            bytes[0] = 0;
        }
        OwnerKey::from_bytes(bytes)
    }
}

impl OwnerIndex for WrongStore {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let owner = self.owner(owner);
            let before = self.index().revoked_before(&owner).await?;
            if self.is(Wrong::NotesOnce) && self.index().keys(&owner).await?.contains(key) {
                return Ok(before);
            }
            if self.is(Wrong::LooksBeforeItNotes) {
                yield_now().await;
                self.index().add(&owner, key, ttl).await?;
                return Ok(before);
            }
            self.index().add(&owner, key, ttl).await
        })
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if self.is(Wrong::KeepsWhatIsTakenBack) {
                return Ok(());
            }
            self.index().remove(&self.owner(owner), key).await
        })
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        Box::pin(async move {
            if self.is(Wrong::FindsNoOwners) {
                return Ok(Vec::new());
            }
            if self.is(Wrong::NotesOnce) {
                self.inner.sweep();
            }
            self.index().keys(&self.owner(owner)).await
        })
    }

    fn revoked_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            // As a store that reads a replica: what was noted is not there yet.
            if self.is(Wrong::LooksBeforeItNotes) {
                return Ok(None);
            }
            if self.is(Wrong::TheLastMomentStays) {
                return Ok(self
                    .last_moment
                    .lock()
                    .expect("nobody panics with it")
                    .get(owner)
                    .copied());
            }
            self.index().revoked_before(&self.owner(owner)).await
        })
    }

    fn revoke_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        stamp: Timestamp,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if self.is(Wrong::TheLastMomentStays) {
                self.last_moment.lock().expect("nobody panics with it").insert(*owner, stamp);
                return Ok(());
            }
            let stamp = if self.is(Wrong::RoundsMoments) {
                Timestamp::new(stamp.get() / 1_000 * 1_000)
            } else {
                stamp
            };
            self.index().revoke_before(&self.owner(owner), stamp, ttl).await
        })
    }
}

/// Each wrong, and the beginning of a sentence that it breaks.
const WRONGS: [(Wrong, &str); 27] = [
    (Wrong::Overwrites, "`create` never overwrites"),
    (Wrong::CreatesInTwoSteps, "of clients that create a record at once"),
    (Wrong::Resurrects, "a record that was deleted stays deleted"),
    (Wrong::ReplacesInTwoSteps, "of clients that replace a revision at once"),
    (Wrong::IgnoresRevisions, "`replace` with another revision is a `Conflict`"),
    (Wrong::KeepsRevisions, "`replace` keeps the new record, its time and a new revision"),
    (Wrong::KeepsTheOldTime, "`replace` starts the record's time again"),
    (Wrong::DeletesAnyRevision, "`delete_if` deletes the record of this revision"),
    (Wrong::DeletesInTwoSteps, "of clients that delete a record at once"),
    (Wrong::NeverExpires, "a record whose time has passed is not there"),
    (Wrong::AlwaysTouches, "`load` writes nothing but the expiry"),
    (Wrong::NeverTouches, "`load` starts a record's time again when the touch is due"),
    (Wrong::TouchCountsAsReplacement, "`load` starts a record's time again when the touch is due"),
    (Wrong::TouchWritesTheRecord, "a touch changes the expiry alone"),
    (Wrong::SaysItTouched, "`load` writes nothing but the expiry"),
    (Wrong::CutsLongRecords, "a record is returned as it was given"),
    (Wrong::FoldsCase, "keys are 32 bytes"),
    (Wrong::LeavesHalfAReplacement, "an operation whose future is dropped"),
    (Wrong::SaysDeletedForNothing, "`delete` deletes whatever the revision"),
    (Wrong::Fails, "a record is returned as it was given"),
    (Wrong::FindsNoOwners, "`keys` returns the keys of the owner's records"),
    (Wrong::MixesOwners, "`keys` returns the keys of the owner's records"),
    (Wrong::KeepsWhatIsTakenBack, "a session that was ended and taken back"),
    (Wrong::NotesOnce, "`add` notes a session again for its new time"),
    (Wrong::TheLastMomentStays, "the latest moment of `revoke_before` stays"),
    (Wrong::RoundsMoments, "the latest moment of `revoke_before` stays"),
    (Wrong::LooksBeforeItNotes, "a login and the end of all at the same time"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_wrong_in_one_point_fails_in_that_point() {
    let found = join_all(WRONGS.map(|(wrong, _)| breaches(WrongStore::new(wrong)))).await;
    for ((wrong, sentence), found) in WRONGS.into_iter().zip(found) {
        println!("{wrong:?}:");
        for breach in &found {
            println!("  {breach}");
        }
        assert!(
            found.iter().any(|breach| breach.sentence().starts_with(sentence)),
            "{wrong:?} does not break `{sentence}`: {found:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_operations_are_wrong_has_a_history_without_an_order() {
    let wrongs = [
        Wrong::CreatesInTwoSteps,
        Wrong::DeletesInTwoSteps,
        Wrong::IgnoresRevisions,
        Wrong::Overwrites,
        Wrong::ReplacesInTwoSteps,
        Wrong::Resurrects,
    ];
    for wrong in wrongs {
        let message = failure(store::histories(WrongStore::new(wrong), 10_000)).await;
        assert!(message.contains("no order gets past one of these"), "{wrong:?}: {message}");
    }
}

/// Returns what a test would fail with.
async fn failure(test: impl Future<Output = ()>) -> String {
    let panic = AssertUnwindSafe(test).catch_unwind().await.expect_err("it fails");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast_ref::<&str>().expect("a message")).to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_failure_names_the_store_and_the_sentences() {
    let message = failure(conformance(WrongStore::new(Wrong::SaysDeletedForNothing))).await;
    assert!(
        message.starts_with(
            "`store::store_conformance::WrongStore` breaks the contract of a store:\n\
             - what is not there is `None`, `Gone` or `Absent`, and still not there afterwards: \
             `delete` answered Deleted\n"
        ),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_evicts_what_lives_fails_when_full() {
    let full = WrongStore::new(Wrong::EvictsWhenFull);
    let message = failure(conformance_when_full(full)).await;
    assert!(message.contains("on a full store every live record is there"), "{message}");
}

#[tokio::test]
async fn on_one_thread_the_suite_says_what_to_write() {
    let message = failure(conformance(MemoryStore::new())).await;
    assert!(message.contains("flavor = \"multi_thread\""), "{message}");
}
