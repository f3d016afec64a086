//! The index of owners, where a store has one.

use std::{collections::HashSet, sync::Arc};

use super::{
    breach::{Checked, Found, Report, ensure},
    races::{at_once, rounds},
    records::{HOUR, created, replaced},
    samples::{owner_key, random_key, record, record_of},
};
use crate::store::{OwnerIndex, OwnerKey, RecordKey, Store, Timestamp};

/// How many sessions one owner has.
const MANY: usize = 100;
const RACERS: usize = 16;

pub(super) async fn check<S: Store>(store: &Arc<S>, report: &mut Report) {
    let Some(index) = store.owners() else { return };
    let sentence =
        "`keys` returns the keys of the owner's records, each once, and no other owner's";
    report.check(sentence, finds_the_owner_s(store, index)).await;
    let sentence = "a session that was ended and taken back with `remove` is not found";
    report.check(sentence, removes_entries(store, index)).await;
    let sentence = "a record that is replaced by one of an owner is found by that owner";
    report.check(sentence, finds_sessions_that_log_in(store, index)).await;
    let sentence = "the latest moment of `end_before` stays, to the microsecond, for its owner alone; an end answers the one before, and is not later than the store's present";
    report.check(sentence, keeps_the_latest_time(index)).await;
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

async fn keeps_the_latest_time(index: &dyn OwnerIndex) -> Checked {
    let (owner, other, key) = (new_owner(), new_owner(), random_key());
    let kept = index.state(&owner).await?.ended_before;
    ensure!(
        kept.is_none(),
        "`state` answered {kept:?} for an owner whose sessions were never ended"
    );
    let kept = index.add(&owner, &key, HOUR).await?.ended_before;
    ensure!(kept.is_none(), "`add` answered {kept:?} for an owner whose sessions were never ended");
    let mut latest = None;
    for up_to_earlier in [false, true, false, false, true] {
        let before = index.state(&owner).await?.now;
        let up_to =
            latest.filter(|_| up_to_earlier).map(|at: Timestamp| Timestamp::new(at.get() - 1));
        let ended = index.end_before(&owner, up_to, HOUR).await?;
        ensure!(
            ended.previous == latest,
            "`end_before` answered {:?} as the one before instead of {latest:?}",
            ended.previous
        );
        if up_to_earlier {
            ensure!(
                Some(ended.at) == latest,
                "`end_before` up to an earlier moment answered {:?} instead of {latest:?}",
                ended.at
            );
        } else {
            ensure!(
                ended.at >= before && Some(ended.at) > latest,
                "`end_before` answered {:?}, which is not later than {before:?} and {latest:?}",
                ended.at
            );
        }
        latest = Some(ended.at);
        let state = index.state(&owner).await?;
        ensure!(
            state.ended_before == latest && Some(state.now) >= latest,
            "`state` answered {state:?} instead of {latest:?}"
        );
        let state = index.add(&owner, &key, HOUR).await?;
        ensure!(
            state.ended_before == latest && Some(state.now) >= latest,
            "`add` answered {state:?} instead of {latest:?}"
        );
    }
    let look = index.state(&owner).await?.now;
    let ended = index.end_before(&owner, Some(look), HOUR).await?;
    ensure!(
        (ended.previous, ended.at) == (latest, look),
        "`end_before` up to {look:?} answered {ended:?}"
    );
    index.remove(&owner, &key).await?;
    let kept = index.state(&owner).await?.ended_before;
    ensure!(kept == Some(look), "`remove` took the moment back");
    let kept = index.state(&other).await?.ended_before;
    ensure!(kept.is_none(), "`state` answered {kept:?} for another owner");
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
