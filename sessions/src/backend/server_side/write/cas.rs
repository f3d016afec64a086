//! Compare-and-set: a change is made on a record, and again on what another writer has left there.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::super::ServerSide;
use crate::{
    backend::circuit_breaker::{Deadline, Write},
    events::event,
    store::{
        DeleteIfOutcome, Loaded, OwnerKey, Record, RecordKey, ReplaceOutcome, Revision, Store,
        StoreError, Timestamp,
    },
};

/// How often a change is made again because another writer was faster. The deadline ends it long
/// before.
pub(crate) const MAX_TRIES: u32 = 1_000;
/// The longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_millis(32);

/// A change of one record, and the state of the record that it is made on.
pub(crate) trait RecordChange {
    type Store: Store;
    type Error: From<StoreError>;

    fn backend(&self) -> &ServerSide<Self::Store>;

    fn key(&self) -> &RecordKey;

    /// The time that calls of the store share.
    fn deadline(&self) -> &Deadline;

    fn base(&self) -> &Base;

    /// Takes the state that another writer left.
    fn set_base(&mut self, newer: Base);

    /// Makes the change on the base. An error ends the loop.
    fn apply(&mut self) -> impl Future<Output = Result<NextState, Self::Error>> + Send;
}

/// A state of a record, to make a change on.
#[derive(Clone)]
pub(crate) struct Base {
    pub(crate) record: Arc<Record>,
    pub(crate) revision: Revision,
    /// Until when the store keeps the record at least, by its clock, as far as that is known.
    pub(crate) lives_until: Timestamp,
}

/// The state that a change leaves.
pub(crate) enum NextState {
    Replaced { record: Record, ttl: Duration },
    Deleted,
}

/// The result of [`compare_and_set`].
pub(crate) enum CasOutcome {
    Replaced {
        record: Arc<Record>,
        revision: Revision,
        /// How long the store took.
        took: Duration,
    },
    Deleted {
        owner: Option<OwnerKey>,
    },
    Gone,
}

impl NextState {
    fn record(self) -> Arc<Record> {
        match self {
            Self::Replaced { record, .. } => Arc::new(record),
            Self::Deleted => unreachable!("what was replaced has a record"),
        }
    }
}

impl From<Loaded> for Base {
    fn from(loaded: Loaded) -> Self {
        let Loaded { record, revision, expires_in, now, .. } = loaded;
        Self { record, revision, lives_until: now.after(expires_in) }
    }
}

impl Base {
    /// Returns the state that another request of this process has just written.
    pub(crate) fn written(revision: Revision, record: Arc<Record>) -> Self {
        Self { record, revision, lives_until: Timestamp::default() }
    }
}

/// Makes a change, as often as other writers are faster.
pub(crate) async fn compare_and_set<C: RecordChange>(
    change: &mut C,
) -> Result<CasOutcome, C::Error> {
    for tries in 1..=MAX_TRIES {
        let next = change.apply().await?;
        match set(change, &next).await? {
            SetOutcome::Replaced { revision, took } => {
                return Ok(CasOutcome::Replaced { record: next.record(), revision, took });
            }
            SetOutcome::Deleted => {
                return Ok(CasOutcome::Deleted { owner: change.base().record.owner() });
            }
            SetOutcome::Gone => return Ok(CasOutcome::Gone),
            SetOutcome::Conflict => {
                let session = change.backend().log_ids.session(change.key());
                event!(
                    StoreConflict,
                    session,
                    "another writer was faster; the change is made again"
                );
            }
        }
        backoff(tries).await;
        let (backend, deadline) = (change.backend(), change.deadline());
        match backend.call(deadline, backend.store.load(change.key(), None)).await? {
            Some(newer) => change.set_base(newer.into()),
            None => return Ok(CasOutcome::Gone),
        }
    }
    Err(StoreError::Timeout.into())
}

enum SetOutcome {
    Replaced {
        revision: Revision,
        took: Duration,
    },
    Deleted,
    Gone,
    /// Another writer was faster.
    Conflict,
}

/// One try. What it sets stays with the caller, so that its future is small.
async fn set<C: RecordChange>(change: &C, next: &NextState) -> Result<SetOutcome, StoreError> {
    let (backend, key, revision) = (change.backend(), change.key(), change.base().revision);
    let NextState::Replaced { record, ttl } = next else {
        let delete = backend.store.delete_if(key, revision);
        return Ok(match backend.write(Write::Delete, change.deadline(), delete).await? {
            DeleteIfOutcome::Deleted => SetOutcome::Deleted,
            DeleteIfOutcome::Gone => SetOutcome::Gone,
            DeleteIfOutcome::Conflict => SetOutcome::Conflict,
        });
    };
    let start = Instant::now();
    let replace = backend.store.replace(key, revision, record, *ttl);
    Ok(match backend.write(Write::Replace, change.deadline(), replace).await? {
        ReplaceOutcome::Replaced(revision) => {
            SetOutcome::Replaced { revision, took: start.elapsed() }
        }
        ReplaceOutcome::Gone => SetOutcome::Gone,
        ReplaceOutcome::Conflict => SetOutcome::Conflict,
    })
}

/// Lets the other writer finish: not at all after the first try, then for a random time that may
/// grow with each try.
pub(crate) async fn backoff(tries: u32) {
    if tries < 2 {
        return;
    }
    let longest = MAX_BACKOFF.min(Duration::from_millis(1 << tries.min(5)));
    let share = RandomState::new().hash_one(tries) % 1_000;
    sleep(longest / 1_000 * u32::try_from(share).expect("it is below 1,000")).await;
}
