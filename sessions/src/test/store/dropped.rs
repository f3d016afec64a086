//! Operations that are dropped half-way.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::sleep;

use super::{
    breach::{Checked, Report, ensure},
    records::{HOUR, created, found, replaced},
    samples::{full_record, random_key, record},
};
use crate::store::{Loaded, Store};

/// How often a future is polled at most before it is dropped.
const POLLS: usize = 12;

pub(super) async fn check(store: &impl Store, report: &mut Report) {
    let sentence = "an operation whose future is dropped is done or not done, never half done";
    report.check(sentence, leaves_all_or_nothing(store)).await;
}

/// Polls a future this often, and drops it.
async fn drop_after(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    for polled in 0..polls {
        let ready = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if ready {
            return;
        }
        // Gives the future time to advance.
        sleep(Duration::from_micros(100 << polled.min(4))).await;
    }
}

async fn leaves_all_or_nothing(store: &impl Store) -> Checked {
    let (old, new) = (record(r#"{"n":1}"#), full_record(r#"{"n":2,"longer":true}"#));
    for polls in 0..POLLS {
        let key = random_key();
        drop_after(polls, store.create(&key, &old, HOUR)).await;
        if let Some(loaded) = store.load(&key, None).await? {
            ensure!(
                *loaded.record == old,
                "a dropped `create` left another record than the given one"
            );
            replaced(store, &key, loaded.revision, &new, HOUR).await?;
        }
        store.delete(&key).await?;

        let key = random_key();
        let revision = created(store, &key, &old, HOUR).await?;
        drop_after(polls, store.replace(&key, revision, &new, HOUR)).await;
        drop_after(polls, store.load(&key, None)).await;
        // The dropped `replace` may be done at any time from now on.
        let is_whole = |loaded: &Loaded| {
            *loaded.record == *(if loaded.revision == revision { &old } else { &new })
        };
        ensure!(
            is_whole(&found(store, &key).await?),
            "a dropped `replace` left one record's content under the other's revision"
        );
        drop_after(polls, store.delete(&key)).await;
        if let Some(loaded) = store.load(&key, None).await? {
            ensure!(is_whole(&loaded), "a dropped `delete` changed the record");
        }
        store.delete(&key).await?;
        ensure!(store.load(&key, None).await?.is_none(), "`delete` left a record");
    }
    Ok(())
}
