//! The store's time, as its answers tell it.

use super::{
    breach::{Checked, Report, ensure},
    records::{HOUR, created, found},
    samples::{owner_key, random_key, record_of},
};
use crate::store::{Store, Timestamp};

/// How often each call is asked for the time.
const TIMES: usize = 100;
/// Of so many rounds one ends the owner's sessions.
const ROUNDS_AN_END: usize = 10;

pub(super) async fn check(store: &impl Store, report: &mut Report) {
    let sentence = "the store's time never goes back, whichever call tells it to a client: `load`, `state`, `add` or `end_before`";
    report.check(sentence, never_goes_back(store)).await;
}

async fn never_goes_back(store: &impl Store) -> Checked {
    let key = random_key();
    let owner = owner_key(&key.to_string());
    created(store, &key, &record_of(owner, "{}"), HOUR).await?;
    let mut last = Timestamp::default();
    let mut told = |by: &str, now: Timestamp| {
        ensure!(now >= last, "`{by}` answered {now:?} after {last:?}");
        last = now;
        Ok(())
    };
    for number in 0..TIMES {
        told("load", found(store, &key).await?.now)?;
        let Some(index) = store.owners() else { continue };
        told("state", index.state(&owner).await?.now)?;
        told("load", found(store, &key).await?.now)?;
        told("add", index.add(&owner, &key, HOUR).await?.now)?;
        if number % ROUNDS_AN_END == 0 {
            told("end_before", index.end_before(&owner, None, HOUR).await?.at)?;
        }
    }
    store.delete(&key).await?;
    if let Some(index) = store.owners() {
        index.remove(&owner, &key).await?;
    }
    Ok(())
}
