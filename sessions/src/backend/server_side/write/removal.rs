//! Deleting a record, unless it has become another session since.

use std::sync::Arc;

use super::{
    super::ServerSide,
    cas::{Base, CasOutcome, NextState, RecordChange, compare_and_set},
};
use crate::{
    backend::circuit_breaker::Deadline,
    dictionary::ChangeSet,
    events::event,
    state::SessionState,
    store::{Epoch, OwnerKey, Record, RecordKey, Store, StoreError, Timestamp},
};

/// A record that is to be deleted, whatever is written to it meanwhile, as long as the condition holds.
///
/// It queues with the writers of the record, so that they do not starve it.
pub(crate) struct Removal<S> {
    backend: ServerSide<S>,
    key: RecordKey,
    base: Base,
    condition: RemovalCondition,
    /// Changes whose conditions the record must meet.
    required: Option<ChangeSet>,
    deadline: Deadline,
}

/// Which state of a record may be deleted.
#[derive(Clone, Copy)]
pub(crate) enum RemovalCondition {
    /// No client has logged in since this epoch.
    SameLogin(Epoch),
    /// It is this owner's, and its login is not later than `until`.
    Owned { by: OwnerKey, until: Option<Timestamp> },
    /// It is this owner's, who has more sessions than the cap lets live, and has not logged in again.
    Oldest { of: OwnerKey, since: Timestamp },
}

/// Why a record was not deleted.
pub(crate) enum NotRemoved {
    /// The condition does not hold.
    Refused,
    Failed(StoreError),
}

impl From<StoreError> for NotRemoved {
    fn from(err: StoreError) -> Self {
        Self::Failed(err)
    }
}

impl RemovalCondition {
    /// Returns the reason of the event that tells of the removal.
    fn reason(self) -> &'static str {
        match self {
            Self::SameLogin(_) => "logout",
            Self::Owned { .. } => "owner",
            Self::Oldest { .. } => "limit",
        }
    }

    fn holds(self, record: &Record) -> bool {
        match self {
            Self::SameLogin(epoch) => record.epoch.has_login_of(epoch),
            Self::Owned { by, until } => record.owner.is_some_and(|owner| {
                owner.key == by && until.is_none_or(|until| owner.since <= until)
            }),
            Self::Oldest { of, since } => {
                record.owner.is_some_and(|owner| owner.key == of && owner.since <= since)
            }
        }
    }
}

/// The result of a [`Removal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemovalOutcome {
    Deleted,
    /// There was none any more.
    Gone,
    /// It has become a session that the condition does not cover.
    Refused,
}

impl<S: Store> Removal<S> {
    pub(crate) fn new(
        backend: &ServerSide<S>,
        key: RecordKey,
        base: Base,
        condition: RemovalCondition,
        deadline: &Deadline,
    ) -> Self {
        let (backend, deadline) = (backend.clone(), deadline.shared());
        Self { backend, key, base, condition, required: None, deadline }
    }

    /// Deletes the record only where the conditions of these changes hold.
    pub(crate) fn requiring(self, changes: Option<&ChangeSet>) -> Self {
        Self { required: changes.filter(|changes| changes.is_conditional()).cloned(), ..self }
    }

    /// Whether the record still has the values that the request took.
    fn has_required(&self) -> bool {
        let Some(required) = &self.required else { return true };
        SessionState::from_shared(Arc::clone(&self.base.record.payload))
            .is_ok_and(|mut state| required.apply_to(&mut state).is_ok())
    }

    pub(crate) async fn run(mut self) -> Result<RemovalOutcome, StoreError> {
        let queue = self.backend.shared.write_queue.clone();
        let guard = queue.lock(self.key, &self.deadline).await?;
        if let Some((revision, record)) = guard.newer_than(self.base.revision) {
            self.base = Base::written(revision, record);
        }
        match compare_and_set(&mut self).await {
            Ok(CasOutcome::Deleted { owner }) => {
                let session = self.backend.log_ids.session(&self.key);
                event!(SessionEnded, reason = self.condition.reason(), session, "session ended");
                self.backend.remove_from_index(owner, self.key, &self.deadline).await;
                Ok(RemovalOutcome::Deleted)
            }
            Ok(CasOutcome::Gone | CasOutcome::Replaced { .. }) => Ok(RemovalOutcome::Gone),
            Err(NotRemoved::Refused) => Ok(RemovalOutcome::Refused),
            Err(NotRemoved::Failed(err)) => Err(err),
        }
    }
}

impl<S: Store> RecordChange for Removal<S> {
    type Store = S;
    type Error = NotRemoved;

    fn backend(&self) -> &ServerSide<S> {
        &self.backend
    }

    fn key(&self) -> &RecordKey {
        &self.key
    }

    fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn set_base(&mut self, newer: Base) {
        self.base = newer;
    }

    async fn apply(&mut self) -> Result<NextState, NotRemoved> {
        if self.condition.holds(&self.base.record) && self.has_required() {
            Ok(NextState::Deleted)
        } else {
            Err(NotRemoved::Refused)
        }
    }
}
