//! Compare-and-set: a change is made on a record, and again on what another writer has left there.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::super::ServerSide;
use crate::{
    backend::circuit_breaker::Deadline,
    store::{
        DeleteIfOutcome, Loaded, OwnerKey, Record, RecordKey, ReplaceOutcome, Revision, Store,
        StoreError,
    },
};

/// How often a change is made again because another writer was faster. The deadline ends it long
/// before.
const MAX_TRIES: u32 = 1_000;
/// The longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_millis(32);

/// A change of one record.
pub(crate) trait RecordChange {
    type Store: Store;
    type Error: From<StoreError>;

    fn backend(&self) -> &ServerSide<Self::Store>;

    fn key(&self) -> &RecordKey;

    /// The time that calls of the store share.
    fn deadline(&self) -> &Deadline;

    /// Makes the change on this state of the record. An error ends the loop.
    fn apply(&mut self, base: &Base) -> Result<NextState, Self::Error>;
}

/// A state of a record, to make a change on.
pub(crate) struct Base {
    pub(crate) record: Record,
    pub(crate) revision: Revision,
    /// How long the store keeps the record from now on, where it was just asked.
    pub(crate) expires_in: Option<Duration>,
}

/// What is to become of a record.
pub(crate) enum NextState {
    Replaced { record: Record, ttl: Duration },
    Deleted,
}

/// What became of a record.
pub(crate) enum CasOutcome {
    Replaced {
        record: Record,
        revision: Revision,
        /// How long the store took.
        took: Duration,
    },
    Deleted {
        owner: Option<OwnerKey>,
    },
    Gone,
}

impl From<Loaded> for Base {
    fn from(loaded: Loaded) -> Self {
        let Loaded { record, revision, expires_in, .. } = loaded;
        Self { record, revision, expires_in: Some(expires_in) }
    }
}

/// Makes a change, as often as other writers are faster.
pub(crate) async fn compare_and_set<C: RecordChange>(
    change: &mut C,
    mut base: Base,
) -> Result<CasOutcome, C::Error> {
    for tries in 1..=MAX_TRIES {
        let next = change.apply(&base)?;
        let (backend, key, deadline) = (change.backend(), change.key(), change.deadline());
        if let Some(outcome) = set(backend, key, deadline, &base, next).await? {
            return Ok(outcome);
        }
        backoff(tries).await;
        let load = backend.store.load(key, None);
        match backend.call(deadline, load).await? {
            Some(newer) => base = newer.into(),
            None => return Ok(CasOutcome::Gone),
        }
    }
    Err(StoreError::Timeout.into())
}

/// Returns `None` when another writer was faster.
async fn set<S: Store>(
    backend: &ServerSide<S>,
    key: &RecordKey,
    deadline: &Deadline,
    base: &Base,
    next: NextState,
) -> Result<Option<CasOutcome>, StoreError> {
    let NextState::Replaced { record, ttl } = next else {
        let delete = backend.store.delete_if(key, base.revision);
        return Ok(match backend.call(deadline, delete).await? {
            DeleteIfOutcome::Deleted => Some(CasOutcome::Deleted { owner: base.record.owner() }),
            DeleteIfOutcome::Gone => Some(CasOutcome::Gone),
            DeleteIfOutcome::Conflict => None,
        });
    };
    let start = Instant::now();
    let replace = backend.store.replace(key, base.revision, &record, ttl);
    Ok(match backend.call(deadline, replace).await? {
        ReplaceOutcome::Replaced(revision) => {
            Some(CasOutcome::Replaced { record, revision, took: start.elapsed() })
        }
        ReplaceOutcome::Gone => Some(CasOutcome::Gone),
        ReplaceOutcome::Conflict => None,
    })
}

/// Lets the other writer finish: not at all after the first try, then for a random time that may
/// grow with each try.
async fn backoff(tries: u32) {
    if tries < 2 {
        return;
    }
    let longest = MAX_BACKOFF.min(Duration::from_millis(1 << tries.min(5)));
    let share = RandomState::new().hash_one(tries) % 1_000;
    sleep(longest / 1_000 * u32::try_from(share).expect("it is below 1,000")).await;
}
