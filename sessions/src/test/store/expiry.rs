//! Records that expire. Each check writes, all wait at the same time, each reads.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{
    breach::{Checked, Found, Report, ensure, outcome},
    records::{HOUR, created, found, replaced},
    revisions::{revisions_of_one, spares_a_successor},
    samples::{owner_key, random_key, record, record_of},
};
use crate::store::{
    BoxFuture, CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, OwnerKey,
    RecordKey, ReplaceOutcome, Store, Touch,
};

/// A time that ends while a check waits.
const BRIEF: Duration = Duration::from_secs(1);
/// How long a check waits for it. Stores may round times to whole seconds.
const WAIT: Duration = Duration::from_millis(2_500);
/// A time of which less than half has passed when the check reads.
const SOON: Duration = Duration::from_secs(3);
/// How far the store's times may differ from real time.
const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn check(store: &impl Store, report: &mut Report) {
    if report.hangs() {
        return;
    }
    let mut checks: Vec<(&'static str, BoxFuture<'_, Checked>)> = vec![
        ("a record is there for its time", Box::pin(stays_for_its_time(store))),
        ("a record whose time has passed is not there", Box::pin(is_not_there(store))),
        (
            "a record whose time has passed makes room for another under its key",
            Box::pin(makes_room(store)),
        ),
        (
            "a touch that is due starts the record's time again, and none shortens it",
            Box::pin(touch_counts(store)),
        ),
        (
            "a load without a touch, or with one that is not due, prolongs nothing",
            Box::pin(reading_prolongs_nothing(store)),
        ),
        ("`replace` starts the record's time again", Box::pin(replacing_counts(store))),
        (
            "a `create` that is answered `Exists`, and a `Conflict`, prolong nothing",
            Box::pin(refusals_prolong_nothing(store)),
        ),
        (
            "a revision of a record whose time has passed never replaces its successor, nor deletes it",
            Box::pin(successors_are_spared(store)),
        ),
        ("the store's time moves as real time does", Box::pin(time_moves(store))),
        (
            "`now` and `expires_in` tell one end of a record until it is touched",
            Box::pin(the_end_stays(store)),
        ),
    ];
    if store.owners().is_some() {
        checks.extend::<[(_, BoxFuture<'_, _>); _]>([
            (
                "`add` keeps an entry for its time, whatever else is added for the owner",
                Box::pin(entries_stay_for_their_time(store)),
            ),
            ("`add` of an entry again prolongs it", Box::pin(adding_again_prolongs(store))),
            (
                "`add` of an entry again with less time does not shorten it",
                Box::pin(adding_again_does_not_shorten(store)),
            ),
            (
                "`end_before` keeps its moment for the longest of the times it was given",
                Box::pin(ends_are_kept_for_the_longest_time(store)),
            ),
        ]);
    }
    let running =
        checks.into_iter().map(|(sentence, check)| async move { (sentence, outcome(check).await) });
    for (sentence, checked) in join_all(running.collect::<Vec<_>>()).await {
        report.note(sentence, checked);
    }
}

async fn stays_for_its_time(store: &impl Store) -> Checked {
    let key = random_key();
    let start = Instant::now();
    created(store, &key, &record("{}"), SOON).await?;
    sleep(SOON / 3).await;
    let loaded = store.load(&key, None).await?;
    // A busy machine may have slept for too long.
    ensure!(
        loaded.is_some() || start.elapsed() > SOON / 2,
        "a record that was to be kept for {SOON:?} is not there after {:?}",
        start.elapsed()
    );
    Ok(())
}

async fn is_not_there(store: &impl Store) -> Checked {
    let keys = [(); 5].map(|()| random_key());
    let mut revisions = Vec::new();
    for key in &keys {
        revisions.push(created(store, key, &record("{}"), BRIEF).await?);
    }
    sleep(WAIT).await;
    let ended = format!("{WAIT:?} after it was to be kept for {BRIEF:?}");
    let touch = Touch { ttl: HOUR, interval: Duration::ZERO };
    for touch in [None, Some(touch)] {
        let loaded = store.load(&keys[0], touch).await?;
        ensure!(loaded.is_none(), "`load` returned a record {ended}");
    }
    let answer = store.replace(&keys[1], revisions[1], &record("{}"), HOUR).await?;
    ensure!(answer == ReplaceOutcome::Gone, "`replace` answered {answer:?} {ended}");
    let answer = store.delete(&keys[2]).await?;
    ensure!(answer == DeleteOutcome::Absent, "`delete` answered {answer:?} {ended}");
    let answer = store.delete_if(&keys[3], revisions[3]).await?;
    ensure!(answer == DeleteIfOutcome::Gone, "`delete_if` answered {answer:?} {ended}");
    for key in &keys {
        ensure!(store.load(key, None).await?.is_none(), "`load` returned a record {ended}");
    }
    Ok(())
}

async fn makes_room(store: &impl Store) -> Checked {
    let key = random_key();
    created(store, &key, &record(r#"{"n":1}"#), BRIEF).await?;
    sleep(WAIT).await;
    let second = record(r#"{"n":2}"#);
    let answer = store.create(&key, &second, HOUR).await?;
    let CreateOutcome::Created(revision) = answer else {
        return Err(Found(format!("`create` answered {answer:?}")));
    };
    let loaded = found(store, &key).await?;
    ensure!(
        *loaded.record == second && loaded.revision == revision,
        "`load` returned another record than the new one"
    );
    store.delete(&key).await?;
    Ok(())
}

async fn touch_counts(store: &impl Store) -> Checked {
    let (longer, kept) = (random_key(), random_key());
    let start = Instant::now();
    created(store, &longer, &record("{}"), SOON).await?;
    created(store, &kept, &record("{}"), HOUR).await?;
    store.load(&longer, Some(Touch { ttl: HOUR, interval: Duration::from_secs(60) })).await?;
    let in_time = start.elapsed() < SOON / 2;
    store.load(&kept, Some(Touch { ttl: BRIEF, interval: BRIEF / 2 })).await?;
    sleep(SOON + BRIEF).await;
    ensure!(
        store.load(&longer, None).await?.is_some() || !in_time,
        "a record that was touched to be kept for {HOUR:?} is not there after its previous time"
    );
    ensure!(
        store.load(&kept, None).await?.is_some(),
        "a record that was to be kept for {HOUR:?} is not there after a touch for {BRIEF:?}"
    );
    store.delete(&longer).await?;
    store.delete(&kept).await?;
    Ok(())
}

async fn reading_prolongs_nothing(store: &impl Store) -> Checked {
    let key = random_key();
    created(store, &key, &record("{}"), BRIEF).await?;
    let start = Instant::now();
    while start.elapsed() < WAIT {
        store.load(&key, None).await?;
        store.load(&key, Some(Touch { ttl: BRIEF, interval: HOUR })).await?;
        sleep(WAIT / 10).await;
    }
    ensure!(
        store.load(&key, None).await?.is_none(),
        "a record that was to be kept for {BRIEF:?} is there after {:?} of reading it",
        start.elapsed()
    );
    Ok(())
}

async fn replacing_counts(store: &impl Store) -> Checked {
    let (longer, less) = (random_key(), random_key());
    let start = Instant::now();
    let first = created(store, &longer, &record("{}"), SOON).await?;
    replaced(store, &longer, first, &record("{}"), HOUR).await?;
    let in_time = start.elapsed() < SOON / 2;
    let first = created(store, &less, &record("{}"), HOUR).await?;
    replaced(store, &less, first, &record("{}"), BRIEF).await?;
    sleep(SOON + BRIEF).await;
    ensure!(
        store.load(&longer, None).await?.is_some() || !in_time,
        "a record that was replaced to be kept for {HOUR:?} is not there after the time of the old one"
    );
    ensure!(
        store.load(&less, None).await?.is_none(),
        "a record that was replaced to be kept for {BRIEF:?} has the time of the old one"
    );
    store.delete(&longer).await?;
    Ok(())
}

async fn refusals_prolong_nothing(store: &impl Store) -> Checked {
    let (one, other) = (random_key(), random_key());
    created(store, &one, &record("{}"), BRIEF).await?;
    store.create(&one, &record("{}"), HOUR).await?;
    let first = created(store, &other, &record("{}"), HOUR).await?;
    replaced(store, &other, first, &record("{}"), BRIEF).await?;
    store.replace(&other, first, &record("{}"), HOUR).await?;
    sleep(WAIT).await;
    ensure!(store.load(&one, None).await?.is_none(), "`create` prolonged the record that is there");
    ensure!(store.load(&other, None).await?.is_none(), "a `Conflict` prolonged the record");
    Ok(())
}

async fn successors_are_spared(store: &impl Store) -> Checked {
    let key = random_key();
    let former = revisions_of_one(store, &key, 3, BRIEF).await?;
    sleep(WAIT).await;
    spares_a_successor(store, &key, &former).await
}

async fn time_moves(store: &impl Store) -> Checked {
    let key = random_key();
    created(store, &key, &record("{}"), HOUR).await?;
    let earliest = Instant::now();
    let first = found(store, &key).await?.now;
    let latest = Instant::now();
    sleep(WAIT).await;
    let at_least = latest.elapsed();
    let moved = found(store, &key).await?.now.since(first);
    let at_most = earliest.elapsed();
    ensure!(
        moved + SECOND >= at_least && moved <= at_most + SECOND,
        "it moved {moved:?} in {at_least:?}"
    );
    store.delete(&key).await?;
    Ok(())
}

async fn the_end_stays(store: &impl Store) -> Checked {
    let key = random_key();
    created(store, &key, &record("{}"), HOUR).await?;
    let end = |loaded: &Loaded| loaded.now.after(loaded.expires_in);
    let first = end(&found(store, &key).await?);
    for _ in 0..2 {
        sleep(WAIT / 2).await;
        let next = end(&found(store, &key).await?);
        ensure!(
            next.since(first).max(first.since(next)) <= SECOND,
            "a record that ended at {first:?} ends at {next:?}, and was only read"
        );
    }
    store.delete(&key).await?;
    Ok(())
}

/// Adds an entry, for the record of an owner.
async fn added(store: &impl Store, owner: &OwnerKey, ttl: Duration) -> Result<RecordKey, Found> {
    let key = random_key();
    index(store)?.add(owner, &key, ttl).await?;
    created(store, &key, &record_of(*owner, "{}"), HOUR).await?;
    Ok(key)
}

fn index(store: &impl Store) -> Result<&dyn OwnerIndex, Found> {
    store.owners().ok_or_else(|| Found("`owners` is `None`".to_owned()))
}

fn new_owner() -> OwnerKey {
    owner_key(&random_key().to_string())
}

async fn log_out(store: &impl Store, owner: &OwnerKey, keys: &[RecordKey]) -> Checked {
    for key in keys {
        store.delete(key).await?;
        index(store)?.remove(owner, key).await?;
    }
    Ok(())
}

async fn entries_stay_for_their_time(store: &impl Store) -> Checked {
    let owner = new_owner();
    let longest = added(store, &owner, HOUR).await?;
    let start = Instant::now();
    let long = added(store, &owner, SOON).await?;
    let brief = added(store, &owner, BRIEF).await?;
    sleep(SOON * 5 / 6).await;
    let found = index(store)?.keys(&owner).await?;
    // A busy machine may have slept for too long.
    let in_time = start.elapsed() < SOON;
    ensure!(found.contains(&longest), "an entry of {HOUR:?} is not there after {SOON:?}");
    ensure!(
        found.contains(&long) || !in_time,
        "an entry of {SOON:?} is not there after {:?}",
        start.elapsed()
    );
    log_out(store, &owner, &[longest, long, brief]).await
}

async fn adding_again_prolongs(store: &impl Store) -> Checked {
    let owner = new_owner();
    let key = added(store, &owner, BRIEF).await?;
    index(store)?.add(&owner, &key, HOUR).await?;
    sleep(WAIT).await;
    ensure!(
        index(store)?.keys(&owner).await? == [key],
        "an entry that was added again for {HOUR:?} is not there after {WAIT:?}"
    );
    log_out(store, &owner, &[key]).await
}

async fn adding_again_does_not_shorten(store: &impl Store) -> Checked {
    let owner = new_owner();
    let key = added(store, &owner, HOUR).await?;
    index(store)?.add(&owner, &key, BRIEF).await?;
    sleep(WAIT).await;
    ensure!(
        index(store)?.keys(&owner).await? == [key],
        "an entry of {HOUR:?} that was added again for {BRIEF:?} is not there after {WAIT:?}"
    );
    log_out(store, &owner, &[key]).await
}

async fn ends_are_kept_for_the_longest_time(store: &impl Store) -> Checked {
    let mut kept = Vec::new();
    for (first, second) in [(HOUR, BRIEF), (BRIEF, HOUR)] {
        for up_to_first in [false, true] {
            let owner = new_owner();
            let at = index(store)?.end_before(&owner, None, first).await?.at;
            let up_to = Some(at).filter(|_| up_to_first);
            let at = index(store)?.end_before(&owner, up_to, second).await?.at;
            kept.push((owner, at, format!("{first:?}, then {second:?}")));
        }
    }
    sleep(WAIT).await;
    for (owner, at, times) in kept {
        let found = index(store)?.state(&owner).await?.ended_before;
        ensure!(
            found == Some(at),
            "a moment that was to be kept for {times} is {found:?} instead of {at:?} after {WAIT:?}"
        );
    }
    Ok(())
}
