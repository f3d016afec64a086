//! Writing a record that is there: compare and set, with the request's changes made again on what
//! another request has saved in the meantime.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    batch::GroupCommit,
    queue::{PendingWrite, Wakeup, WriteGuard},
};
use crate::{
    backend::{
        circuit_breaker::Deadline,
        server_side::{
            ServerSide,
            content::{Content, Login, Now},
            run_to_completion,
        },
    },
    dictionary::ChangeSet,
    error::SaveError,
    state::SessionState,
    store::{
        DeleteIfOutcome, Previous, Owner, Record, RecordKey, ReplaceOutcome, Revision, Store,
        StoreError, VerifierHash,
    },
};

/// How often a record is written anew because another request was faster. The deadline ends it long
/// before.
pub(in crate::backend::server_side) const MAX_TRIES: u32 = 1_000;
/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_millis(32);

/// A record that is to be replaced, or deleted when nothing is left in it.
pub(in crate::backend::server_side) struct ConditionalWrite<S> {
    pub(in crate::backend::server_side) backend: ServerSide<S>,
    pub(in crate::backend::server_side) key: RecordKey,
    /// The record that the request's changes are made on.
    pub(in crate::backend::server_side) base: Record,
    pub(in crate::backend::server_side) revision: Revision,
    pub(in crate::backend::server_side) changes: ChangeSet,
    /// What the session holds with the changes. `None` when nothing is left.
    pub(in crate::backend::server_side) content: Option<Content>,
    /// The verifier of the token that the request came with.
    pub(in crate::backend::server_side) opened_with: VerifierHash,
    pub(in crate::backend::server_side) renewal: Option<Renewal>,
    pub(in crate::backend::server_side) login: Option<Login>,
    pub(in crate::backend::server_side) now: Now,
    pub(in crate::backend::server_side) ttl: Duration,
    pub(in crate::backend::server_side) deadline: Deadline,
}

/// The session is to get another token.
pub(in crate::backend::server_side) struct Renewal {
    pub(in crate::backend::server_side) verifier: VerifierHash,
    /// How long the previous token may read.
    pub(in crate::backend::server_side) grace: Duration,
}

/// What became of the record.
pub(in crate::backend::server_side) enum WriteOutcome {
    Kept {
        /// Whether the token opens the record: the one of the renewal, else the one that the
        /// request came with.
        token_holds: bool,
        /// What is kept, where it is not what the request saw.
        merged: Option<Arc<str>>,
    },
    Deleted,
    Gone,
}

/// What a store answered to a write.
pub(in crate::backend::server_side) enum CasOutcome {
    Replaced {
        /// Whose token opens the record from now on.
        verifier: VerifierHash,
        json: Arc<str>,
    },
    Deleted,
    Gone,
}

impl<S: Store> ConditionalWrite<S> {
    pub(in crate::backend::server_side) async fn run(
        self: Box<Self>,
    ) -> Result<WriteOutcome, SaveError> {
        match self.login {
            None => self.write().await,
            Some(login) => run_to_completion(self.log_in(login)).await,
        }
    }

    async fn log_in(self: Box<Self>, login: Login) -> Result<WriteOutcome, SaveError> {
        let (backend, key, deadline) = (self.backend.clone(), self.key, self.deadline.shared());
        if !backend.add_to_index(login, key, self.ttl, &deadline).await? {
            return Err(SaveError::Gone);
        }
        let written = self.write().await?;
        if matches!(written, WriteOutcome::Kept { .. })
            && !backend.confirm_login(login, key, &deadline).await?
        {
            return Err(SaveError::Gone);
        }
        Ok(written)
    }

    async fn write(mut self: Box<Self>) -> Result<WriteOutcome, SaveError> {
        let changes = || self.may_be_joined().then(|| self.changes());
        let last_start = || self.last_start();
        let turn = match self.backend.shared.turns.take(self.key, changes, last_start).await? {
            Wakeup::Lead(turn) => turn,
            Wakeup::Committed(done) => return done,
        };
        if self.may_be_joined() {
            let joined = turn.joined();
            if !joined.is_empty() {
                let own = self.changes();
                return Box::pin(GroupCommit::new(self, turn, joined).write(own)).await;
            }
        }
        let written = self.write_alone(&turn).await?;
        if let Some(took) = turn.last_write_time_if_contended() {
            self.leave_to_others();
            Box::pin(GroupCommit::new(self, turn, Vec::new()).hand_over(took)).await;
        }
        Ok(written)
    }

    /// Makes it what writes the changes of others only.
    fn leave_to_others(&mut self) {
        self.changes = ChangeSet::default();
        self.content = None;
        self.renewal = None;
        self.login = None;
    }

    /// Whether it can be written with the changes of others: not where the session gets another
    /// token.
    fn may_be_joined(&self) -> bool {
        self.renewal.is_none() && self.login.is_none()
    }

    /// Returns what another request may write for this one.
    fn changes(&self) -> PendingWrite {
        PendingWrite {
            set: self.changes.clone(),
            opened_with: self.opened_with,
            found: (self.revision, self.base.clone()),
            last_start: self.last_start(),
            deadline: self.deadline.begin(),
        }
    }

    /// When a write that had to wait is not to be begun any more.
    fn last_start(&self) -> Instant {
        let end = self.deadline.begin();
        end.checked_sub(self.backend.deadlines.for_write()).unwrap_or(end)
    }

    async fn write_alone(&mut self, turn: &WriteGuard) -> Result<WriteOutcome, SaveError> {
        let mut merged = false;
        if let Some((revision, record)) = turn.newer_than(self.revision) {
            self.rebase(revision, record)?;
            merged = true;
        }
        for tries in 1..=MAX_TRIES {
            if let Some(outcome) = self.attempt(turn).await? {
                let expected = self.renewal.as_ref().map(|renewal| renewal.verifier);
                return Ok(outcome.written(expected.unwrap_or(self.opened_with), merged));
            }
            pause(tries).await;
            let load = self.backend.store.load(&self.key, None);
            let Some(newer) = self.backend.call(&self.deadline, load).await? else {
                return Ok(WriteOutcome::Gone);
            };
            if Instant::now() >= self.last_start() {
                return Err(SaveError::Timeout);
            }
            self.rebase(newer.revision, newer.record)?;
            merged = true;
        }
        Err(SaveError::Timeout)
    }

    /// Returns `None` when another request was faster.
    pub(in crate::backend::server_side) async fn attempt(
        &self,
        turn: &WriteGuard,
    ) -> Result<Option<CasOutcome>, StoreError> {
        let Self { backend, key, revision, deadline, .. } = self;
        let Some(content) = &self.content else {
            let delete = backend.store.delete_if(key, *revision);
            return Ok(match backend.call(deadline, delete).await? {
                DeleteIfOutcome::Deleted => {
                    backend.remove_from_index_later(self.base.owner(), *key);
                    Some(CasOutcome::Deleted)
                }
                DeleteIfOutcome::Gone => Some(CasOutcome::Gone),
                DeleteIfOutcome::Conflict => None,
            });
        };
        let record = self.next_record(content);
        let begin = Instant::now();
        let replace = backend.store.replace(key, *revision, &record, self.ttl);
        Ok(match backend.call(deadline, replace).await? {
            ReplaceOutcome::Replaced(revision) => {
                let (verifier, json) = (record.verifier, Arc::clone(&record.payload));
                turn.leave(revision, record, begin.elapsed());
                Some(CasOutcome::Replaced { verifier, json })
            }
            ReplaceOutcome::Gone => Some(CasOutcome::Gone),
            ReplaceOutcome::Conflict => None,
        })
    }

    fn next_record(&self, content: &Content) -> Record {
        let base = &self.base;
        let owner = content.owner.map(|key| match (self.login, base.owner) {
            (Some(login), _) => login.owner(),
            (None, Some(owner)) if owner.key == key => owner,
            // Not to be: an owner comes with a login. `end_all` then takes it for an old one.
            (None, _) => Owner { key, since: crate::store::Timestamp::new(0) },
        });
        let (verifier, previous, renewed_millis) = match &self.renewal {
            Some(Renewal { verifier, grace }) => {
                let until_millis = self.now.millis.saturating_add(grace.as_secs() * 1_000);
                let previous = Previous { verifier: base.verifier, until_millis };
                // Who logs in may have been given the previous token by somebody else.
                let has_grace = !grace.is_zero() && self.login.is_none();
                (*verifier, Some(previous).filter(|_| has_grace), self.now.millis)
            }
            None => (base.verifier, base.previous, base.renewed_millis),
        };
        Record {
            payload: Arc::clone(&content.json),
            verifier,
            previous,
            created_secs: if self.login.is_some() { self.now.seconds } else { base.created_secs },
            renewed_millis,
            ttl_secs: self.ttl.as_secs(),
            owner,
        }
    }

    /// Makes the request's changes on a newer state. The session keeps the token that it has there:
    /// when that is another one than the request came with, somebody else has renewed it.
    fn rebase(&mut self, revision: Revision, record: Record) -> Result<(), SaveError> {
        if self.renewal.is_some() && record.verifier != self.opened_with {
            if self.login.is_some() {
                return Err(SaveError::Superseded);
            }
            self.renewal = None;
        }
        let mut newer =
            SessionState::from_shared(Arc::clone(&record.payload)).map_err(SaveError::internal)?;
        self.changes.apply_to(&mut newer).map_err(SaveError::internal)?;
        self.content = Content::of(&newer, self.backend.max_payload)?;
        self.base = record;
        self.revision = revision;
        Ok(())
    }
}

impl CasOutcome {
    /// Returns what it is to a request that expects this verifier in the record, and whose changes
    /// were `merged` with those of others.
    pub(in crate::backend::server_side) fn written(
        &self,
        expected: VerifierHash,
        merged: bool,
    ) -> WriteOutcome {
        match self {
            Self::Replaced { verifier, json } => WriteOutcome::Kept {
                token_holds: *verifier == expected,
                merged: merged.then(|| Arc::clone(json)),
            },
            Self::Deleted => WriteOutcome::Deleted,
            Self::Gone => WriteOutcome::Gone,
        }
    }
}

/// Lets the other one finish: not at all before the first try, then for longer and longer, each
/// time by chance.
pub(in crate::backend::server_side) async fn pause(tries: u32) {
    if tries < 2 {
        return;
    }
    let longest = MAX_PAUSE.min(Duration::from_millis(1 << tries.min(5)));
    let chance = RandomState::new().hash_one(tries) % 1_000;
    sleep(longest / 1_000 * u32::try_from(chance).expect("it is below 1,000")).await;
}
