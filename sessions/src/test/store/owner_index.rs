//! The index of owners, where a store has one.

use std::{collections::HashSet, sync::Arc};

use super::{
    breach::{Checked, Found, Report, ensure},
    races::{at_once, rounds},
    records::{HOUR, created, replaced},
    samples::{owner_key, random_key, record, record_of},
};
use crate::store::{Ended, OwnerIndex, OwnerKey, RecordKey, Store, Timestamp};

/// How many sessions one owner has.
const MANY: usize = 100;
const RACERS: usize = 16;
/// How often one client ends an owner's sessions.
const ENDS: usize = 5;

pub(super) async fn check<S: Store>(store: &Arc<S>, report: &mut Report) {
    let Some(index) = store.owners() else { return };
    let sentence =
        "`keys` returns the keys of the owner's records, each once, and no other owner's";
    report.check(sentence, finds_the_owner_s(store, index)).await;
    let sentence = "a session that was ended and taken back with `remove` is not found";
    report.check(sentence, removes_entries(store, index)).await;
    let sentence = "a record that is replaced by one of an owner is found by that owner";
    report.check(sentence, finds_sessions_that_log_in(store, index)).await;
    let sentence = "`state` and `add` answer the latest moment of `end_before`, to the microsecond, for its owner alone";
    report.check(sentence, tells_the_latest_moment(index)).await;
    let sentence = "an end has the store's present: not earlier than the time before it, nor later than the time after it";
    report.check(sentence, ends_in_the_present(index)).await;
    let sentence = "an end `up_to` a moment has that moment, unless a later one is kept";
    report.check(sentence, ends_up_to_a_moment(index)).await;
    let sentence = "an end answers the moment before it";
    report.check(sentence, answers_the_one_before(index)).await;
    let sentence = "of many ends at once each has its own moment, and answers the one before";
    report.check(sentence, each_end_has_its_moment(store)).await;
    let sentence = "a login and the end of all at the same time do not miss each other: `add` or `state` returns the moment, or `keys` the key";
    report.check(sentence, no_login_slips_through(store)).await;
}

fn new_owner() -> OwnerKey {
    owner_key(&random_key().to_string())
}

/// Logs in, as a request does.
async fn log_in(
    store: &impl Store,
    index: &dyn OwnerIndex,
    owner: OwnerKey,
) -> Result<RecordKey, Found> {
    let key = random_key();
    index.add(&owner, &key, HOUR).await?;
    created(store, &key, &record_of(owner, "{}"), HOUR).await?;
    Ok(key)
}

async fn log_out(
    store: &impl Store,
    index: &dyn OwnerIndex,
    owner: OwnerKey,
    key: RecordKey,
) -> Checked {
    store.delete(&key).await?;
    index.remove(&owner, &key).await?;
    Ok(())
}

async fn has_exactly(index: &dyn OwnerIndex, owner: OwnerKey, keys: &[RecordKey]) -> Checked {
    let found = index.keys(&owner).await?;
    let distinct: HashSet<_> = found.iter().copied().collect();
    ensure!(distinct.len() == found.len(), "`keys` returned a key twice");
    ensure!(
        distinct == keys.iter().copied().collect(),
        "`keys` returned {} keys, of which {} are the owner's {}",
        found.len(),
        keys.iter().filter(|key| distinct.contains(*key)).count(),
        keys.len()
    );
    Ok(())
}

async fn finds_the_owner_s(store: &impl Store, index: &dyn OwnerIndex) -> Checked {
    let (owner, nobody) = (new_owner(), new_owner());
    // As text they differ in the case of their first letter.
    let mut bytes = *new_owner().as_bytes();
    let alike = [1, (26 << 2) | 1].map(|first| {
        bytes[0] = first;
        OwnerKey::from_bytes(bytes)
    });
    let mut keys = Vec::new();
    for _ in 0..MANY {
        keys.push(log_in(store, index, owner).await?);
    }
    index.add(&owner, &keys[0], HOUR).await?;
    let mut others = Vec::new();
    for other in alike {
        others.push((other, log_in(store, index, other).await?));
    }
    has_exactly(index, owner, &keys).await?;
    has_exactly(index, nobody, &[]).await?;
    for (other, key) in others {
        has_exactly(index, other, &[key]).await?;
        log_out(store, index, other, key).await?;
    }
    for key in keys {
        log_out(store, index, owner, key).await?;
    }
    has_exactly(index, owner, &[]).await
}

async fn removes_entries(store: &impl Store, index: &dyn OwnerIndex) -> Checked {
    let owner = new_owner();
    let (stays, goes) = (log_in(store, index, owner).await?, log_in(store, index, owner).await?);
    for _ in 0..2 {
        log_out(store, index, owner, goes).await?;
        has_exactly(index, owner, &[stays]).await?;
    }
    log_out(store, index, owner, stays).await?;
    has_exactly(index, owner, &[]).await
}

async fn finds_sessions_that_log_in(store: &impl Store, index: &dyn OwnerIndex) -> Checked {
    let owner = new_owner();
    let key = random_key();
    let revision = created(store, &key, &record("{}"), HOUR).await?;
    has_exactly(index, owner, &[]).await?;
    index.add(&owner, &key, HOUR).await?;
    replaced(store, &key, revision, &record_of(owner, "{}"), HOUR).await?;
    has_exactly(index, owner, &[key]).await?;
    log_out(store, index, owner, key).await
}

/// What both calls answer as the moment up to which the owner's sessions were ended.
async fn told(index: &dyn OwnerIndex, owner: OwnerKey, moment: Option<Timestamp>) -> Checked {
    let key = random_key();
    let told = [
        ("state", index.state(&owner).await?),
        ("add", index.add(&owner, &key, HOUR).await?),
        ("state", index.state(&owner).await?),
    ];
    index.remove(&owner, &key).await?;
    for (call, state) in told {
        ensure!(
            state.ended_before == moment,
            "`{call}` answered {:?} instead of {moment:?}",
            state.ended_before
        );
    }
    Ok(())
}

async fn tells_the_latest_moment(index: &dyn OwnerIndex) -> Checked {
    let (owner, other) = (new_owner(), new_owner());
    told(index, owner, None).await?;
    for _ in 0..ENDS {
        let at = index.end_before(&owner, None, HOUR).await?.at;
        told(index, owner, Some(at)).await?;
        told(index, other, None).await?;
    }
    Ok(())
}

async fn ends_in_the_present(index: &dyn OwnerIndex) -> Checked {
    let owner = new_owner();
    for _ in 0..ENDS {
        let before = index.state(&owner).await?.now;
        let at = index.end_before(&owner, None, HOUR).await?.at;
        ensure!(at >= before, "`end_before` answered {at:?}, after {before:?}");
        let after = index.state(&owner).await?.now;
        ensure!(at <= after, "`end_before` answered {at:?}, and `state` {after:?}");
    }
    for _ in 0..ENDS {
        let key = random_key();
        let before = index.add(&owner, &key, HOUR).await?.now;
        let at = index.end_before(&owner, None, HOUR).await?.at;
        ensure!(at >= before, "`end_before` answered {at:?}, after {before:?}");
        let after = index.add(&owner, &key, HOUR).await?.now;
        ensure!(at <= after, "`end_before` answered {at:?}, and `add` {after:?}");
        index.remove(&owner, &key).await?;
    }
    Ok(())
}

async fn ends_up_to_a_moment(index: &dyn OwnerIndex) -> Checked {
    let owner = new_owner();
    let first = index.state(&owner).await?.now;
    let second = index.state(&owner).await?.now.max(first.next());
    let earlier = Timestamp::new(first.get() - 1);
    let steps = [
        (Some(first), first),
        (Some(earlier), first),
        (Some(first), first),
        (Some(second), second),
        (Some(first), second),
    ];
    for (up_to, expected) in steps {
        let at = index.end_before(&owner, up_to, HOUR).await?.at;
        ensure!(at == expected, "up to {up_to:?} it answered {at:?} instead of {expected:?}");
        told(index, owner, Some(expected)).await?;
    }
    let at = index.end_before(&owner, None, HOUR).await?.at;
    ensure!(at > second, "without a moment it answered {at:?} after {second:?}");
    Ok(())
}

async fn answers_the_one_before(index: &dyn OwnerIndex) -> Checked {
    let owner = new_owner();
    let mut latest = None;
    for up_to_latest in [false, true, false, false, true] {
        let up_to = latest.filter(|_| up_to_latest);
        let Ended { previous, at } = index.end_before(&owner, up_to, HOUR).await?;
        ensure!(previous == latest, "`end_before` answered {previous:?} instead of {latest:?}");
        latest = Some(at);
    }
    let key = random_key();
    index.add(&owner, &key, HOUR).await?;
    index.remove(&owner, &key).await?;
    let kept = index.end_before(&owner, latest, HOUR).await?.previous;
    ensure!(kept == latest, "after `remove` the moment is {kept:?} instead of {latest:?}");
    Ok(())
}

async fn each_end_has_its_moment<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let owner = new_owner();
        let answers = at_once(RACERS, |_| {
            let store = Arc::clone(store);
            async move {
                let index = store.owners().ok_or_else(|| Found("`owners` is `None`".to_owned()))?;
                Ok::<_, Found>(index.end_before(&owner, None, HOUR).await?)
            }
        })
        .await;
        let mut ends = answers.into_iter().collect::<Result<Vec<_>, Found>>()?;
        ends.sort_by_key(|ended| ended.at);
        let mut previous = None;
        for ended in &ends {
            ensure!(
                ended.previous == previous && Some(ended.at) > previous,
                "of {RACERS} ends at once one answered {ended:?} after {previous:?}"
            );
            previous = Some(ended.at);
        }
        let Some(index) = store.owners() else { return Ok(()) };
        let kept = index.state(&owner).await?.ended_before;
        ensure!(kept == previous, "`state` answered {kept:?} instead of {previous:?}");
        Ok(())
    })
    .await
}

/// What the client that logs in, or the one that ends all, learns of the other.
enum Learned {
    Login { of_the_end: bool, key: RecordKey },
    End { of: Vec<RecordKey> },
}

async fn no_login_slips_through<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let owner = new_owner();
        let answers = at_once(RACERS / 2, |number| {
            let store = Arc::clone(store);
            async move {
                let index = store.owners().ok_or_else(|| Found("`owners` is `None`".to_owned()))?;
                if number == 0 {
                    index.end_before(&owner, None, HOUR).await?;
                    return Ok::<_, Found>(Learned::End { of: index.keys(&owner).await? });
                }
                let key = random_key();
                let at_first = index.add(&owner, &key, HOUR).await?.ended_before;
                created(&store, &key, &record_of(owner, "{}"), HOUR).await?;
                let at_last = index.state(&owner).await?.ended_before;
                Ok(Learned::Login { of_the_end: at_first.or(at_last).is_some(), key })
            }
        })
        .await;
        let mut ended = Vec::new();
        let mut unaware = Vec::new();
        let mut keys = Vec::new();
        for answer in answers {
            match answer? {
                Learned::End { of } => ended = of,
                Learned::Login { of_the_end, key } => {
                    keys.push(key);
                    unaware.extend((!of_the_end).then_some(key));
                }
            }
        }
        let missed = unaware.iter().filter(|key| !ended.contains(key)).count();
        let Some(index) = store.owners() else { return Ok(()) };
        for key in keys {
            log_out(store, index, owner, key).await?;
        }
        ensure!(missed == 0, "{missed} of {} logins went unnoticed", RACERS / 2 - 1);
        Ok(())
    })
    .await
}
