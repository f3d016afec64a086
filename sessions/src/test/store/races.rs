//! Many clients at once: every operation is one step, so that exactly one wins.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{sync::Barrier, task::yield_now};

use super::{
    breach::{Checked, Found, Report, ensure},
    records::{HOUR, created, found, replaced},
    samples::{full_record, random_key, record},
};
use crate::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Record, ReplaceOutcome, Store, StoreError, Touch,
};

/// How many clients race.
const RACERS: usize = 16;
/// How long a race is run again and again, and how often at least.
const TIME: Duration = Duration::from_millis(300);
const ROUNDS: usize = 10;
/// How often each racer adds one.
const ADDITIONS: usize = 10;

pub(super) async fn check<S: Store>(store: &Arc<S>, report: &mut Report) {
    let sentence = "of clients that create a record at once, exactly one does";
    report.check(sentence, one_creates(store)).await;
    let sentence = "of clients that replace a revision at once, exactly one does";
    report.check(sentence, one_replaces(store)).await;
    let sentence = "of clients that delete a record at once, exactly one does";
    report.check(sentence, one_deletes(store)).await;
    let sentence = "of clients that replace or delete a revision at once, exactly one does";
    report.check(sentence, one_replaces_or_deletes(store)).await;
    let sentence = "no replacement that was answered with a revision is lost";
    report.check(sentence, loses_no_replacement(store)).await;
    let sentence = "a record that is deleted stays deleted, even if it is replaced or touched at the same time";
    report.check(sentence, nothing_undoes_a_deletion(store)).await;
    let sentence =
        "a touch changes the expiry alone, even if the record is replaced at the same time";
    report.check(sentence, no_touch_undoes_a_replacement(store)).await;
}

/// Runs tasks that start together.
pub(super) async fn at_once<T, F>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let tasks = (0..count).map(|number| {
        let (start, task) = (Arc::clone(&start), task(number));
        tokio::spawn(async move {
            start.wait().await;
            task.await
        })
    });
    let done = join_all(tasks.collect::<Vec<_>>()).await;
    done.into_iter().map(|done| done.expect("the store does not panic")).collect()
}

/// Runs a race again and again.
pub(super) async fn rounds(race: impl AsyncFn() -> Checked) -> Checked {
    let start = Instant::now();
    let mut round = 0;
    while round < ROUNDS || start.elapsed() < TIME {
        race().await?;
        round += 1;
    }
    Ok(())
}

/// Returns the numbers of the clients whose answer is a win.
fn winners<T>(
    answers: &[Result<T, StoreError>],
    is_win: impl Fn(&T) -> bool,
) -> Result<Vec<usize>, Found> {
    let mut winners = Vec::new();
    for (number, answer) in answers.iter().enumerate() {
        if is_win(answer.as_ref().map_err(|err| Found::from(err.clone()))?) {
            winners.push(number);
        }
    }
    Ok(winners)
}

pub(super) fn numbered(number: usize) -> Record {
    full_record(&format!("{{\"n\":{number}}}"))
}

pub(super) fn number_in(record: &Record) -> Option<usize> {
    record.payload.strip_prefix("{\"n\":")?.strip_suffix('}')?.parse().ok()
}

async fn one_creates<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let key = random_key();
        let answers = at_once(RACERS, |number| {
            let store = Arc::clone(store);
            async move { store.create(&key, &numbered(number), HOUR).await }
        })
        .await;
        let winners = winners(&answers, |answer| matches!(answer, CreateOutcome::Created(_)))?;
        ensure!(
            winners.len() == 1,
            "{} of {RACERS} were answered `Created` for one key",
            winners.len()
        );
        let kept = found(store, &key).await?;
        ensure!(
            number_in(&kept.record) == Some(winners[0]),
            "the record that is kept is not the one whose client was answered `Created`"
        );
        store.delete(&key).await?;
        Ok(())
    })
    .await
}

async fn one_replaces<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let key = random_key();
        let revision = created(store, &key, &record("{}"), HOUR).await?;
        let answers = at_once(RACERS, |number| {
            let store = Arc::clone(store);
            async move { store.replace(&key, revision, &numbered(number), HOUR).await }
        })
        .await;
        let won = winners(&answers, |answer| matches!(answer, ReplaceOutcome::Replaced(_)))?;
        ensure!(won.len() == 1, "{} of {RACERS} replaced one revision", won.len());
        let lost = winners(&answers, |answer| *answer == ReplaceOutcome::Conflict)?;
        ensure!(
            lost.len() == RACERS - 1,
            "the clients that came too late were not answered `Conflict`"
        );
        let kept = found(store, &key).await?;
        ensure!(
            number_in(&kept.record) == Some(won[0]),
            "the record that is kept is not the one whose client was answered `Replaced`"
        );
        let answer = &answers[won[0]];
        ensure!(
            matches!(answer, Ok(ReplaceOutcome::Replaced(new)) if *new == kept.revision),
            "the revision that is kept is not the one that was answered"
        );
        store.delete(&key).await?;
        Ok(())
    })
    .await
}

async fn one_deletes<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let key = random_key();
        created(store, &key, &record("{}"), HOUR).await?;
        let answers = at_once(RACERS, |_| {
            let store = Arc::clone(store);
            async move { store.delete(&key).await }
        })
        .await;
        let won = winners(&answers, |answer| *answer == DeleteOutcome::Deleted)?;
        ensure!(won.len() == 1, "{} of {RACERS} were answered `Deleted`", won.len());
        Ok(())
    })
    .await
}

async fn one_replaces_or_deletes<S: Store>(store: &Arc<S>) -> Checked {
    #[derive(PartialEq)]
    enum Answer {
        Replaced,
        Deleted,
        Conflict,
        Gone,
    }
    rounds(async || {
        let key = random_key();
        let revision = created(store, &key, &record("{}"), HOUR).await?;
        let answers = at_once(RACERS, |number| {
            let store = Arc::clone(store);
            async move {
                if number % 2 == 0 {
                    let outcome = store.replace(&key, revision, &numbered(number), HOUR).await?;
                    Ok(match outcome {
                        ReplaceOutcome::Replaced(_) => Answer::Replaced,
                        ReplaceOutcome::Conflict => Answer::Conflict,
                        ReplaceOutcome::Gone => Answer::Gone,
                    })
                } else {
                    Ok(match store.delete_if(&key, revision).await? {
                        DeleteIfOutcome::Deleted => Answer::Deleted,
                        DeleteIfOutcome::Conflict => Answer::Conflict,
                        DeleteIfOutcome::Gone => Answer::Gone,
                    })
                }
            }
        })
        .await;
        let replaced = winners(&answers, |answer| *answer == Answer::Replaced)?;
        let deleted = winners(&answers, |answer| *answer == Answer::Deleted)?;
        ensure!(
            replaced.len() + deleted.len() == 1,
            "{} replaced and {} deleted one revision",
            replaced.len(),
            deleted.len()
        );
        let (told, other) = if replaced.is_empty() {
            (Answer::Gone, "`Gone`")
        } else {
            (Answer::Conflict, "`Conflict`")
        };
        let lost = winners(&answers, |answer| *answer == told)?;
        ensure!(
            lost.len() == RACERS - 1,
            "the clients that came too late were not answered {other}"
        );
        let kept = store.load(&key, None).await?;
        ensure!(
            kept.and_then(|kept| number_in(&kept.record)) == replaced.first().copied(),
            "what is kept is not what the winner left"
        );
        store.delete(&key).await?;
        Ok(())
    })
    .await
}

async fn loses_no_replacement<S: Store>(store: &Arc<S>) -> Checked {
    let key = random_key();
    created(store, &key, &numbered(0), HOUR).await?;
    let answers = at_once(RACERS / 2, |_| {
        let store = Arc::clone(store);
        async move {
            for _ in 0..ADDITIONS {
                loop {
                    let kept = found(&store, &key).await?;
                    let next = numbered(number_in(&kept.record).unwrap_or_default() + 1);
                    let outcome = store.replace(&key, kept.revision, &next, HOUR).await?;
                    match outcome {
                        ReplaceOutcome::Replaced(_) => break,
                        ReplaceOutcome::Conflict => yield_now().await,
                        ReplaceOutcome::Gone => {
                            return Err(Found(
                                "`replace` answered `Gone` for a record that was not deleted"
                                    .to_owned(),
                            ));
                        }
                    }
                }
            }
            Ok(())
        }
    })
    .await;
    answers.into_iter().collect::<Checked>()?;
    let kept = found(store, &key).await?;
    let sum = RACERS / 2 * ADDITIONS;
    let counted = number_in(&kept.record).unwrap_or_default();
    ensure!(counted == sum, "{sum} replacements added one each, and the record says {counted}");
    store.delete(&key).await?;
    Ok(())
}

async fn nothing_undoes_a_deletion<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let key = random_key();
        created(store, &key, &record("{}"), HOUR).await?;
        let touch = Touch { ttl: HOUR, interval: Duration::ZERO };
        let deleted = Arc::new(AtomicBool::new(false));
        let answers = at_once(RACERS, |number| {
            let (store, deleted) = (Arc::clone(store), Arc::clone(&deleted));
            async move {
                if number == 0 {
                    yield_now().await;
                    store.delete(&key).await?;
                    deleted.store(true, Ordering::SeqCst);
                    return Ok(());
                }
                while !deleted.load(Ordering::SeqCst)
                    && let Some(kept) = store.load(&key, Some(touch)).await?
                {
                    if number % 2 == 0 {
                        store.replace(&key, kept.revision, &numbered(number), HOUR).await?;
                    }
                    yield_now().await;
                }
                Ok::<_, StoreError>(())
            }
        })
        .await;
        winners(&answers, |()| true)?;
        ensure!(
            store.load(&key, None).await?.is_none(),
            "a record that was deleted is there again"
        );
        Ok(())
    })
    .await
}

async fn no_touch_undoes_a_replacement<S: Store>(store: &Arc<S>) -> Checked {
    rounds(async || {
        let key = random_key();
        let first = created(store, &key, &numbered(0), HOUR).await?;
        let touch = Touch { ttl: HOUR, interval: Duration::ZERO };
        let answers = at_once(RACERS / 2, |number| {
            let store = Arc::clone(store);
            async move {
                if number > 0 {
                    for _ in 0..ADDITIONS {
                        store.load(&key, Some(touch)).await?;
                    }
                    return Ok(());
                }
                let mut revision = first;
                for number in 1..=ADDITIONS {
                    revision = replaced(&store, &key, revision, &numbered(number), HOUR).await?;
                    yield_now().await;
                }
                Ok::<_, Found>(())
            }
        })
        .await;
        answers.into_iter().collect::<Checked>()?;
        let kept = found(store, &key).await?;
        ensure!(
            number_in(&kept.record) == Some(ADDITIONS),
            "the record is not the one that was written last"
        );
        store.delete(&key).await?;
        Ok(())
    })
    .await
}
