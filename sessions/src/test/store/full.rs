//! A store without room.

use super::{
    breach::{Checked, Found, Report, ensure},
    records::{HOUR, created, found},
    samples::{full_record, owner_key, random_key, record, record_of},
};
use crate::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};

/// How many records are created before a store counts as one that is never full.
const MOST: usize = 100_000;
/// How many times in a row a store without room refuses a record.
const REFUSALS: usize = 10;
/// How many live sessions are checked.
const LIVE: usize = 5;
/// How many logins fail.
const LOGINS: usize = 20;

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
    if let Some(index) = store.owners() {
        let sentence = "on a full store an owner's sessions can be ended: `state`, `end_before` and `keys` work, also for an owner whose sessions were never ended";
        report.check(sentence, ends(index, &live)).await;
        let sentence =
            "on a full store `remove` leaves nothing of an `add` whose record could not be created";
        report.check(sentence, takes_back(store, index)).await;
    }
    let sentence = "`delete` and `delete_if` work on a full store, and `remove` after them";
    report.check(sentence, deletes(store, &live)).await;
}

async fn is_filled(store: &impl Store, live: &mut Vec<Kept>) -> Checked {
    for number in 0..LIVE {
        let key = random_key();
        let record = full_record(&format!("{{\"n\":{number}}}"));
        if let (Some(index), Some(owner)) = (store.owners(), record.owner()) {
            index.add(&owner, &key, HOUR).await?;
        }
        let revision = created(store, &key, &record, HOUR).await?;
        live.push((key, record, revision));
    }
    // A store may keep room for sessions with an owner.
    let kilobyte = full_record(&format!("{{\"filler\":\"{}\"}}", "x".repeat(1_000)));
    let smaller = record(&kilobyte.payload);
    let mut refused = 0;
    for number in 0..MOST {
        let key = random_key();
        let another = if number % 2 == 0 { &kilobyte } else { &smaller };
        match store.create(&key, another, HOUR).await {
            // One key may need a page more than the next.
            Ok(CreateOutcome::Created(_)) => refused = 0,
            Ok(CreateOutcome::Exists) => {
                return Err(Found("`create` answered `Exists` for a random key".to_owned()));
            }
            Err(StoreError::Full) => {
                ensure!(store.load(&key, None).await?.is_none(), "`Full` created a record");
                refused += 1;
                if refused == REFUSALS {
                    return Ok(());
                }
            }
            Err(err) => return Err(err.into()),
        }
    }
    Err(Found(format!("it took {MOST} records")))
}

async fn reads(store: &impl Store, live: &[Kept]) -> Checked {
    for (key, record, revision) in live {
        let is_it = |found: &Loaded| *found.record == *record && found.revision == *revision;
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
        let longer = format!("{{\"longer\":\"{}\"}}", "y".repeat(60_000));
        let longer =
            record.owner().map_or_else(|| full_record(&longer), |it| record_of(it, &longer));
        match store.replace(key, *revision, &longer, HOUR).await {
            Ok(ReplaceOutcome::Replaced(new)) => (*record, *revision) = (longer, new),
            Err(StoreError::Full) => {}
            Ok(outcome) => return Err(Found(format!("`replace` answered {outcome:?}"))),
            Err(err) => return Err(err.into()),
        }
        let loaded = found(store, key).await?;
        ensure!(
            *loaded.record == *record && loaded.revision == *revision,
            "`replace` left neither the record from before nor the new one"
        );
    }
    Ok(())
}

async fn ends(index: &dyn OwnerIndex, live: &[Kept]) -> Checked {
    let owners = live.iter().filter_map(|(key, record, _)| Some((record.owner()?, Some(*key))));
    let newcomers = (0..LIVE).map(|_| (owner_key(&random_key().to_string()), None));
    for (owner, key) in owners.chain(newcomers) {
        let before = index.state(&owner).await?;
        ensure!(before.ended_before.is_none(), "`state` answered {before:?}");
        let at = index.end_before(&owner, None, HOUR).await?.at;
        ensure!(at >= before.now, "`end_before` answered {at:?} after {before:?}");
        let after = index.state(&owner).await?;
        ensure!(
            after.ended_before == Some(at),
            "`state` answered {after:?} after an end at {at:?}"
        );
        let keys = index.keys(&owner).await?;
        ensure!(
            keys.iter().eq(&key),
            "`keys` returned {} keys instead of {}",
            keys.len(),
            key.iter().len()
        );
    }
    Ok(())
}

async fn takes_back(store: &impl Store, index: &dyn OwnerIndex) -> Checked {
    let owner = owner_key(&random_key().to_string());
    let record = record_of(owner, &format!("{{\"longer\":\"{}\"}}", "y".repeat(10_000)));
    let mut begun = Vec::new();
    for _ in 0..LOGINS {
        let key = random_key();
        match index.add(&owner, &key, HOUR).await {
            Ok(_) | Err(StoreError::Full) => {}
            Err(err) => return Err(err.into()),
        }
        match store.create(&key, &record, HOUR).await {
            Err(StoreError::Full) => index.remove(&owner, &key).await?,
            // What was removed made room.
            Ok(CreateOutcome::Created(_)) => begun.push(key),
            answer => return Err(Found(format!("`create` answered {answer:?}"))),
        }
    }
    ensure!(begun.len() < LOGINS, "it is not full");
    let found = index.keys(&owner).await?;
    let left = found.iter().filter(|key| !begun.contains(key)).count();
    ensure!(left == 0, "{} logins that failed left {left} entries", LOGINS - begun.len());
    Ok(())
}

async fn deletes(store: &impl Store, live: &[Kept]) -> Checked {
    for (number, (key, record, revision)) in live.iter().enumerate() {
        if number % 2 == 0 {
            let outcome = store.delete_if(key, *revision).await?;
            ensure!(outcome == DeleteIfOutcome::Deleted, "`delete_if` answered {outcome:?}");
        } else {
            let outcome = store.delete(key).await?;
            ensure!(outcome == DeleteOutcome::Deleted, "`delete` answered {outcome:?}");
        }
        ensure!(store.load(key, None).await?.is_none(), "a record that was deleted is there");
        if let (Some(index), Some(owner)) = (store.owners(), record.owner()) {
            index.remove(&owner, key).await?;
            let left = index.keys(&owner).await?.len();
            ensure!(left == 0, "`remove` left {left} entries");
        }
    }
    Ok(())
}
