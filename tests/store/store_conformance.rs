//! The suite for authors of stores: the memory store passes it, and stores that are wrong in one
//! point fail in that point.

use std::panic::AssertUnwindSafe;

use futures_util::future::{FutureExt, join_all};
use sessions::{
    MemoryStore,
    test::store::{self, breaches, conformance, conformance_when_full},
};
use sessions_tests::reliability::every_history_has_an_order;

use crate::wrong_store::{Wrong, WrongStore};

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

/// Each wrong, and the beginning of a sentence that it breaks.
const WRONGS: [(Wrong, &str); 46] = [
    (Wrong::Overwrites, "`create` never overwrites"),
    (Wrong::CreatesInTwoSteps, "of clients that create a record at once"),
    (Wrong::Resurrects, "a record that was deleted stays deleted"),
    (Wrong::ReplacesInTwoSteps, "of clients that replace a revision at once"),
    (Wrong::IgnoresRevisions, "`replace` with another revision is a `Conflict`"),
    (Wrong::KeepsRevisions, "`replace` keeps the new record, its time and a greater revision"),
    (Wrong::KeepsTheOldTime, "`replace` starts the record's time again"),
    (Wrong::DeletesAnyRevision, "`delete_if` deletes the record of this revision"),
    (Wrong::DeletesInTwoSteps, "of clients that delete a record at once"),
    (Wrong::NeverExpires, "a record whose time has passed is not there"),
    (Wrong::AlwaysTouches, "`load` writes nothing but the expiry"),
    (Wrong::NeverTouches, "`load` starts a record's time again when the touch is due"),
    (
        Wrong::TouchShortens,
        "a touch that is due starts the record's time again, and none shortens it",
    ),
    (Wrong::TouchCountsAsReplacement, "`load` starts a record's time again when the touch is due"),
    (Wrong::TouchWritesTheRecord, "a touch changes the expiry alone"),
    (Wrong::SaysItTouched, "`load` writes nothing but the expiry"),
    (Wrong::CutsLongRecords, "a record is returned as it was given"),
    (Wrong::FoldsCase, "keys are 32 bytes"),
    (Wrong::LeavesHalfAReplacement, "an operation whose future is dropped"),
    (Wrong::SaysItAnswersAtOnce, "a store whose `answers_at_once` is true makes no caller wait"),
    (Wrong::SaysDeletedForNothing, "`delete` deletes whatever the revision"),
    (Wrong::Fails, "a record is returned as it was given"),
    (Wrong::StartsAgain, "a revision of a deleted record never replaces its successor"),
    (
        Wrong::StartsWithTheMillisecond,
        "a revision of a deleted record never replaces its successor",
    ),
    (Wrong::StartsAgainAfterExpiry, "a revision of a record whose time has passed"),
    (Wrong::CountsDown, "a later state of a record has a greater revision"),
    (Wrong::LoadsByAnotherClock, "the store's time never goes back"),
    (Wrong::TellsMilliseconds, "the store's time moves as real time does"),
    (Wrong::RoundsExpiry, "`now` and `expires_in` tell one end of a record"),
    (Wrong::FindsNoOwners, "`keys` returns the keys of the owner's records"),
    (Wrong::MixesOwners, "`keys` returns the keys of the owner's records"),
    (Wrong::KeepsWhatIsTakenBack, "a session that was ended and taken back"),
    (Wrong::AddsOnce, "`add` of an entry again prolongs it"),
    (Wrong::AddingAgainShortens, "`add` of an entry again with less time does not shorten it"),
    (Wrong::HalvesTheTimeOfEntries, "`add` keeps an entry for its time"),
    (Wrong::TheLastEntryTimesAll, "`add` keeps an entry for its time"),
    (Wrong::TheLastMomentStays, "an end `up_to` a moment has that moment"),
    (Wrong::RoundsMoments, "`state` and `add` answer the latest moment"),
    (Wrong::AddTellsNoMoment, "`state` and `add` answer the latest moment"),
    (Wrong::OneMomentForAll, "`state` and `add` answer the latest moment"),
    (Wrong::EndsInThePast, "an end has the store's present"),
    (Wrong::EndsInTheFuture, "an end has the store's present"),
    (Wrong::TellsNoMomentBefore, "an end answers the moment before it"),
    (Wrong::StampsBeforeItWaits, "of many ends at once each has its own moment"),
    (Wrong::ShortEndsShorten, "`end_before` keeps its moment for the longest of the times"),
    (Wrong::LooksBeforeItAdds, "a login and the end of all at the same time"),
];

/// Each wrong of a full store, and the beginning of a sentence that it breaks.
const WRONGS_WHEN_FULL: [(Wrong, &str); 5] = [
    (Wrong::EvictsWhenFull, "on a full store every live record is there"),
    (Wrong::EndsNeedRoom, "on a full store an owner's sessions can be ended"),
    (Wrong::RemovalsNeedRoom, "on a full store `remove` leaves nothing"),
    (Wrong::KeepsWhatIsTakenBack, "on a full store `remove` leaves nothing"),
    (Wrong::DeletionsNeedRoom, "`delete` and `delete_if` work on a full store"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_wrong_in_one_point_fails_in_that_point() {
    let found =
        join_all(WRONGS.iter().map(|(wrong, _)| Box::pin(breaches(WrongStore::new(*wrong))))).await;
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
            "`store::wrong_store::WrongStore` breaks the contract of a store:\n\
             - what is not there is `None`, `Gone` or `Absent`, and still not there afterwards: \
             `delete` answered Deleted\n"
        ),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_wrong_when_it_is_full_fails_in_that_point() {
    for (wrong, sentence) in WRONGS_WHEN_FULL {
        let message = failure(conformance_when_full(WrongStore::new(wrong))).await;
        assert!(message.contains(&format!("- {sentence}")), "{wrong:?}: {message}");
    }
}

#[tokio::test]
async fn on_one_thread_the_suite_says_what_to_write() {
    let message = failure(conformance(MemoryStore::new())).await;
    assert!(message.contains("flavor = \"multi_thread\""), "{message}");
}
