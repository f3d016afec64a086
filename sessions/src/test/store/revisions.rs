//! Records that succeed each other under one key: what was decided on one does nothing to the next.

use std::time::Duration;

use super::{
    breach::{Checked, Found, Report, ensure},
    records::{HOUR, created, found_as, replaced},
    samples::{full_record, random_key, record},
};
use crate::store::{DeleteIfOutcome, RecordKey, ReplaceOutcome, Revision, Store};

/// How many records succeed each other.
const SUCCESSORS: usize = 60;
/// How often one of them is replaced.
const MANY: usize = 100;

pub(super) async fn check(store: &impl Store, report: &mut Report) {
    let sentence =
        "a later state of a record has a greater revision, after `delete` and `create` too";
    report.check(sentence, are_greater(store)).await;
    let sentence = "a revision of a deleted record never replaces its successor, nor deletes it";
    report.check(sentence, spare_successors(store)).await;
}

/// Creates a record, replaces it this often, and returns its revisions.
pub(super) async fn revisions_of_one(
    store: &impl Store,
    key: &RecordKey,
    replacements: usize,
    ttl: Duration,
) -> Result<Vec<Revision>, Found> {
    let mut revision = created(store, key, &record("{}"), ttl).await?;
    let mut revisions = vec![revision];
    for _ in 0..replacements {
        revision = replaced(store, key, revision, &record("{}"), ttl).await?;
        revisions.push(revision);
    }
    Ok(revisions)
}

/// Creates a successor, and tries each revision of the former record on it.
pub(super) async fn spares_a_successor(
    store: &impl Store,
    key: &RecordKey,
    former: &[Revision],
) -> Checked {
    let mut successor = full_record(r#"{"successor":1}"#);
    let mut revision = created(store, key, &successor, HOUR).await?;
    for number in 2..4 {
        for former in former {
            let outcome = store.replace(key, *former, &record("{}"), HOUR).await?;
            ensure!(
                outcome == ReplaceOutcome::Conflict,
                "`replace` answered {outcome:?} for revision {} of the former record",
                former.get()
            );
            let outcome = store.delete_if(key, *former).await?;
            ensure!(
                outcome == DeleteIfOutcome::Conflict,
                "`delete_if` answered {outcome:?} for revision {} of the former record",
                former.get()
            );
        }
        found_as(store, key, &successor, revision, HOUR).await?;
        successor = full_record(&format!("{{\"successor\":{number}}}"));
        revision = replaced(store, key, revision, &successor, HOUR).await?;
    }
    store.delete(key).await?;
    Ok(())
}

/// Deletes a record, in one way or the other.
async fn end(store: &impl Store, key: &RecordKey, revision: Option<&Revision>) -> Checked {
    match revision {
        Some(revision) => drop(store.delete_if(key, *revision).await?),
        None => drop(store.delete(key).await?),
    }
    Ok(())
}

async fn are_greater(store: &impl Store) -> Checked {
    let key = random_key();
    let mut last = None;
    for number in 0..SUCCESSORS {
        let revisions = revisions_of_one(store, &key, number % 4, HOUR).await?;
        end(store, &key, revisions.last().filter(|_| number % 2 == 0)).await?;
        for revision in revisions.into_iter().map(Revision::get) {
            ensure!(
                Some(revision) > last,
                "a later state has revision {revision}, after revision {}",
                last.unwrap_or_default()
            );
            last = Some(revision);
        }
    }
    Ok(())
}

async fn spare_successors(store: &impl Store) -> Checked {
    let key = random_key();
    for number in 0..SUCCESSORS {
        let replacements = if number == 0 { MANY } else { number % 3 };
        let former = revisions_of_one(store, &key, replacements, HOUR).await?;
        end(store, &key, former.last().filter(|_| number % 2 == 0)).await?;
        spares_a_successor(store, &key, &former).await?;
    }
    Ok(())
}
