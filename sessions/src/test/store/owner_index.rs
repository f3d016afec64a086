//! The index of owners, where a store has one.

use std::{collections::HashSet, sync::Arc};

use super::{
    breach::{Checked, Found, Report, ensure},
    races::{at_once, rounds},
    records::{HOUR, created, replaced},
    samples::{owner_key, random_key, record, record_of},
};
use crate::store::{OwnerIndex, OwnerKey, RecordKey, Store, StoreError, Timestamp};

/// How many sessions one owner has.
const MANY: usize = 100;
const RACERS: usize = 16;
const MOMENT: u64 = 1_767_225_600_123_457;

pub(super) async fn check<S: Store>(store: &Arc<S>, report: &mut Report) {
    let Some(index) = store.owners() else { return };
    let sentence =
        "`keys` returns the keys of the owner's records, each once, and no other owner's";
    report.check(sentence, finds_the_owner_s(store, index)).await;
    let sentence = "a session that was ended and taken back with `remove` is not found";
    report.check(sentence, removes_entries(store, index)).await;
    let sentence = "a record that is replaced by one of an owner is found by that owner";
    report.check(sentence, finds_sessions_that_log_in(store, index)).await;
    let sentence =
        "the latest moment of `revoke_before` stays, to the microsecond, for its owner alone";
    report.check(sentence, keeps_the_latest_time(index)).await;
    let sentence = "of many times that are noted at once, the latest stays";
    report.check(sentence, the_latest_wins(store)).await;
    let sentence = "a login and the end of all at the same time do not miss each other: `add` or `revoked_before` returns the moment, or `keys` the key";
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
    let noted = index.revoked_before(&owner).await?;
    ensure!(
        noted.is_none(),
        "`revoked_before` answered {noted:?} for an owner whose sessions were never ended"
    );
    let noted = index.add(&owner, &key, HOUR).await?;
    ensure!(
        noted.is_none(),
        "`add` answered {noted:?} for an owner whose sessions were never ended"
    );
    // An earlier one changes nothing, not even by a microsecond.
    let steps =
        [(MOMENT, MOMENT), (MOMENT - 1, MOMENT), (MOMENT, MOMENT), (MOMENT + 1, MOMENT + 1)];
    for (moment, latest) in steps {
        index.revoke_before(&owner, Timestamp::new(moment), HOUR).await?;
        let latest = Some(Timestamp::new(latest));
        let noted = index.revoked_before(&owner).await?;
        ensure!(noted == latest, "`revoked_before` answered {noted:?} instead of {latest:?}");
        let noted = index.add(&owner, &key, HOUR).await?;
        ensure!(noted == latest, "`add` answered {noted:?} instead of {latest:?}");
    }
    index.remove(&owner, &key).await?;
    let noted = index.revoked_before(&owner).await?;
    ensure!(noted.is_some(), "`remove` took the moment back");
    let noted = index.revoked_before(&other).await?;
    ensure!(noted.is_none(), "`revoked_before` answered {noted:?} for another owner");
    Ok(())
}

async fn the_latest_wins<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let owner = new_owner();
        let answers = at_once(RACERS, |number| {
            let store = Arc::clone(store);
            async move {
                let Some(index) = store.owners() else { return Ok(()) };
                // Not in order.
                let moment = MOMENT + (number * 7 % RACERS) as u64;
                index.revoke_before(&owner, Timestamp::new(moment), HOUR).await
            }
        })
        .await;
        answers.into_iter().collect::<Result<(), StoreError>>()?;
        let Some(index) = store.owners() else { return Ok(()) };
        let noted = index.revoked_before(&owner).await?;
        let latest = Some(Timestamp::new(MOMENT + RACERS as u64 - 1));
        ensure!(noted == latest, "`revoked_before` answered {noted:?} instead of {latest:?}");
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
                    index.revoke_before(&owner, Timestamp::new(MOMENT), HOUR).await?;
                    return Ok::<_, Found>(Learned::End { of: index.keys(&owner).await? });
                }
                let key = random_key();
                let at_first = index.add(&owner, &key, HOUR).await?;
                created(&store, &key, &record_of(owner, "{}"), HOUR).await?;
                let at_last = index.revoked_before(&owner).await?;
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
