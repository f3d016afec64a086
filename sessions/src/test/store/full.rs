//! A store without room.

use super::{
    breach::{Checked, Found, Report, ensure},
    records::{HOUR, created, found},
    samples::{full_record, random_key, record},
};
use crate::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, Record, RecordKey, ReplaceOutcome,
    Revision, Store, StoreError, Touch,
};

/// How many records are created before a store counts as one that is never full.
const MOST: usize = 100_000;
/// How many live sessions are checked.
const LIVE: usize = 5;

type Kept = (RecordKey, Record, Revision);

pub(super) async fn check(store: &impl Store, report: &mut Report) {
    let mut live = Vec::new();
    let sentence = "a store without room answers `Full` to `create`";
    report.check(sentence, is_filled(store, &mut live)).await;
    if live.is_empty() || !report.breaches.is_empty() {
        return;
    }
    let sentence = "on a full store every live record is there and can be loaded, with a touch too";
    report.check(sentence, reads(store, &live)).await;
    let sentence = "`replace` on a full store replaces, or answers `Full` and leaves the record";
    report.check(sentence, replaces_or_leaves(store, &mut live)).await;
    let sentence = "`delete` and `delete_if` work on a full store, and so does the index of owners";
    report.check(sentence, deletes(store, &mut live)).await;
}

async fn is_filled(store: &impl Store, live: &mut Vec<Kept>) -> Checked {
    for number in 0..LIVE {
        let key = random_key();
        let record = full_record(&format!("{{\"n\":{number}}}"));
        let revision = created(store, &key, &record, HOUR).await?;
        live.push((key, record, revision));
    }
    let kilobyte = record(&format!("{{\"filler\":\"{}\"}}", "x".repeat(1_000)));
    for _ in 0..MOST {
        match store.create(&random_key(), &kilobyte, HOUR).await {
            Ok(CreateOutcome::Created(_)) => {}
            Ok(CreateOutcome::Exists) => {
                return Err(Found("`create` answered `Exists` for a random key".to_owned()));
            }
            Err(StoreError::Full) => {
                let key = random_key();
                let again = store.create(&key, &kilobyte, HOUR).await;
                ensure!(
                    matches!(again, Err(StoreError::Full)),
                    "after `Full` another `create` was answered {again:?}"
                );
                ensure!(store.load(&key, None).await?.is_none(), "`Full` created a record");
                return Ok(());
            }
            Err(err) => return Err(err.into()),
        }
    }
    Err(Found(format!("it took {MOST} records")))
}

async fn reads(store: &impl Store, live: &[Kept]) -> Checked {
    for (key, record, revision) in live {
        let is_it = |found: &Loaded| found.record == *record && found.revision == *revision;
        let loaded = found(store, key).await?;
        ensure!(is_it(&loaded), "`load` returned another record than the one that is kept");
        let touch = Touch { ttl: 2 * HOUR, interval: HOUR / 60 };
        let loaded = store.load(key, Some(touch)).await?;
        ensure!(loaded.is_some_and(|loaded| is_it(&loaded)), "`load` with a touch did not find it");
    }
    Ok(())
}

async fn replaces_or_leaves(store: &impl Store, live: &mut [Kept]) -> Checked {
    for (key, record, revision) in live {
        let longer = full_record(&format!("{{\"longer\":\"{}\"}}", "y".repeat(60_000)));
        match store.replace(key, *revision, &longer, HOUR).await {
            Ok(ReplaceOutcome::Replaced(new)) => (*record, *revision) = (longer, new),
            Err(StoreError::Full) => {}
            Ok(outcome) => return Err(Found(format!("`replace` answered {outcome:?}"))),
            Err(err) => return Err(err.into()),
        }
        let loaded = found(store, key).await?;
        ensure!(
            loaded.record == *record && loaded.revision == *revision,
            "`replace` left neither the record from before nor the new one"
        );
    }
    Ok(())
}

async fn deletes(store: &impl Store, live: &mut Vec<Kept>) -> Checked {
    for (number, (key, record, revision)) in live.drain(..).enumerate() {
        if number % 2 == 0 {
            let outcome = store.delete(&key).await?;
            ensure!(outcome == DeleteOutcome::Deleted, "`delete` answered {outcome:?}");
        } else {
            let outcome = store.delete_if(&key, revision).await?;
            ensure!(outcome == DeleteIfOutcome::Deleted, "`delete_if` answered {outcome:?}");
        }
        ensure!(store.load(&key, None).await?.is_none(), "a record that was deleted is there");
        if let (Some(index), Some(owner)) = (store.owners(), record.owner()) {
            index.remove(&owner, &key).await?;
        }
    }
    Ok(())
}
