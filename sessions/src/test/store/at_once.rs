//! A store that says it answers at once.

use futures_util::FutureExt;

use super::{
    breach::{Checked, Found, Report, ensure},
    records::HOUR,
    samples::{full_record, random_key, record},
};
use crate::store::{CreateOutcome, ReplaceOutcome, Store, StoreError, Touch};

/// How often each operation is looked at.
const TIMES: usize = 20;

pub(super) async fn check(store: &impl Store, report: &mut Report) {
    let sentence = "a store whose `answers_at_once` is true makes no caller wait";
    report.check(sentence, async { waits_for_nothing(store) }).await;
}

fn waits_for_nothing(store: &impl Store) -> Checked {
    if !store.answers_at_once() {
        return Ok(());
    }
    let due = Touch { ttl: 2 * HOUR, interval: HOUR };
    for _ in 0..TIMES {
        let (key, other) = (random_key(), random_key());
        let record = record(r#"{"n":1}"#);
        at_once("load", store.load(&key, None))?;
        let created = at_once("create", store.create(&key, &record, HOUR))?;
        at_once("create", store.create(&key, &record, HOUR))?;
        let CreateOutcome::Created(revision) = created else {
            return Err(Found("`create` answered `Exists` for a key that was never used".into()));
        };
        at_once("load", store.load(&key, None))?;
        at_once("load", store.load(&key, Some(due)))?;
        let record = full_record(r#"{"n":2}"#);
        let replaced = at_once("replace", store.replace(&key, revision, &record, HOUR))?;
        ensure!(
            matches!(replaced, ReplaceOutcome::Replaced(_)),
            "`replace` answered {replaced:?} for the right revision"
        );
        at_once("replace", store.replace(&key, revision, &record, HOUR))?;
        at_once("replace", store.replace(&other, revision, &record, HOUR))?;
        at_once("delete_if", store.delete_if(&key, revision))?;
        at_once("delete", store.delete(&key))?;
        at_once("delete", store.delete(&key))?;
        at_once("delete_if", store.delete_if(&key, revision))?;
    }
    Ok(())
}

/// Returns what an operation answers when it is polled once.
fn at_once<T>(
    operation: &str,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Found> {
    match answer.now_or_never() {
        Some(answer) => Ok(answer?),
        None => Err(Found(format!("`{operation}` waited"))),
    }
}
