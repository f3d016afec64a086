//! Marks: records that say of a legacy token that its session was taken over, or has ended.
//!
//! A mark has no owner, no token opens it, and it counts as the record of a login, for which a store with
//! a bound keeps room. It outlives the session that was taken over.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{MarkId, PAGE_LOAD};
use crate::{
    backend::circuit_breaker::{CircuitBreaker, Deadline, Write},
    events::event,
    interface::unix_seconds,
    store::{
        BoxFuture, CreateOutcome, Epoch, Loaded, OwnLifetimes, Record, RecordKey, ReplaceOutcome,
        Revision, Store, StoreError,
    },
};

/// How often a mark is written again because another request was faster. A mark changes once.
const MAX_TRIES: usize = 4;

/// What marks need of a store whose type is erased.
pub(crate) trait MarkStore: Send + Sync {
    fn create<'a>(
        &'a self,
        key: &'a RecordKey,
        record: &'a Record,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CreateOutcome, StoreError>>;

    fn load<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Loaded>, StoreError>>;

    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        revision: Revision,
        record: &'a Record,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<ReplaceOutcome, StoreError>>;
}

impl<S: Store> MarkStore for S {
    fn create<'a>(
        &'a self,
        key: &'a RecordKey,
        record: &'a Record,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CreateOutcome, StoreError>> {
        Box::pin(Store::create(self, key, record, ttl))
    }

    fn load<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Loaded>, StoreError>> {
        Box::pin(Store::load(self, key, None))
    }

    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        revision: Revision,
        record: &'a Record,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<ReplaceOutcome, StoreError>> {
        Box::pin(Store::replace(self, key, revision, record, ttl))
    }
}

/// The marks in a store.
pub(crate) struct Marks<'m> {
    pub(crate) store: &'m dyn MarkStore,
    pub(crate) breaker: &'m CircuitBreaker,
    pub(crate) call_deadline: Duration,
    pub(crate) deadline: &'m Deadline,
}

/// What a mark says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The token's session became the one of this record, in this epoch.
    Session { key: RecordKey, epoch: Epoch },
    /// Requests with the token take over a copy each.
    Copies,
    /// The token's session has ended.
    Ended,
    /// The session was taken over longer ago than a page takes to load.
    UsedUp,
}

/// The payload of a mark.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Session(String),
    Copies,
    Ended,
}

/// A mark as it is kept.
struct Kept {
    mark: Mark,
    revision: Revision,
}

impl Marks<'_> {
    /// Returns what the mark says, if there is one.
    pub(crate) async fn load(&self, id: &MarkId) -> Result<Option<Mark>, StoreError> {
        Ok(self.load_kept(id).await?.map(|kept| kept.mark))
    }

    /// Makes the mark of a session that is taken over, unless there is one. Returns whether there was none.
    pub(crate) async fn create(&self, id: &MarkId, mark: Mark) -> Result<bool, StoreError> {
        let record = record(id, mark);
        let create = self.store.create(&id.key, &record, id.ttl);
        let create = self.breaker.call(self.call_deadline, self.deadline, create);
        let created = create.writing(Write::Create).await?;
        Ok(matches!(created, CreateOutcome::Created(_)))
    }

    /// Marks a token as worth nothing, whatever its mark says.
    pub(crate) async fn end(&self, id: &MarkId) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            if self.create(id, Mark::Ended).await? {
                return Ok(());
            }
            match self.load_kept(id).await? {
                Some(Kept { mark: Mark::Ended | Mark::UsedUp, .. }) => return Ok(()),
                Some(Kept { revision, .. }) if self.replace(id, revision).await? => return Ok(()),
                _ => {}
            }
        }
        Err(StoreError::Timeout)
    }

    async fn replace(&self, id: &MarkId, revision: Revision) -> Result<bool, StoreError> {
        let record = record(id, Mark::Ended);
        let replace = self.store.replace(&id.key, revision, &record, id.ttl);
        let replace = self.breaker.call(self.call_deadline, self.deadline, replace);
        let replaced = replace.writing(Write::Replace).await?;
        Ok(matches!(replaced, ReplaceOutcome::Replaced(_)))
    }

    async fn load_kept(&self, id: &MarkId) -> Result<Option<Kept>, StoreError> {
        let load = self.store.load(&id.key);
        match self.breaker.call(self.call_deadline, self.deadline, load).await {
            Ok(loaded) => {
                Ok(loaded.map(|loaded| Kept { mark: read(&loaded), revision: loaded.revision }))
            }
            // It was a mark: the token is not taken over a second time.
            Err(StoreError::Corrupt { problem }) => {
                event!(
                    StoreUnreadable,
                    reason = "mark",
                    problem,
                    "the mark that a session was taken over cannot be read; its legacy token opens nothing"
                );
                Ok(Some(Kept { mark: Mark::UsedUp, revision: Revision::new(0) }))
            }
            Err(err) => Err(err),
        }
    }
}

fn record(id: &MarkId, mark: Mark) -> Record {
    let (content, epoch) = match mark {
        Mark::Session { key, epoch } => (Content::Session(key.to_string()), epoch),
        Mark::Copies => (Content::Copies, Epoch::of_new_renewed(&id.verifier)),
        Mark::Ended | Mark::UsedUp => (Content::Ended, Epoch::of_new_renewed(&id.verifier)),
    };
    let json = serde_json::to_string(&content).expect("a word or a key is JSON");
    let now = unix_seconds(id.now);
    Record {
        payload: Arc::from(json),
        verifier: id.verifier,
        epoch,
        formers: Vec::new(),
        created_secs: now,
        renewed_millis: now.saturating_mul(1_000),
        ttl_secs: id.ttl.as_secs(),
        lifetimes: OwnLifetimes::default(),
        owner: None,
    }
}

/// Reads a mark. Its age is counted by the store: the time that it was to live, less what is left.
fn read(Loaded { record, expires_in, .. }: &Loaded) -> Mark {
    let age = Duration::from_secs(record.ttl_secs).saturating_sub(*expires_in);
    match serde_json::from_str(&record.payload) {
        Ok(Content::Ended) => Mark::Ended,
        _ if age >= PAGE_LOAD => Mark::UsedUp,
        Ok(Content::Copies) => Mark::Copies,
        Ok(Content::Session(key)) => RecordKey::parse(key)
            .map_or(Mark::UsedUp, |key| Mark::Session { key, epoch: record.epoch }),
        Err(_) => Mark::UsedUp,
    }
}
