//! Dating a session to the present, so that it outlives the end of its owner's others.

use super::{
    ServerSide,
    write::{Base, CasOutcome, NextState, RecordChange, compare_and_set},
};
use crate::{
    backend::{OwnerError, circuit_breaker::Deadline},
    store::{Owner, OwnerKey, Record, RecordKey, Store},
};

impl<S: Store> ServerSide<S> {
    /// Makes the current session one that began after the others ended.
    pub(super) async fn begin_again(
        &self,
        key: RecordKey,
        owner: OwnerKey,
        deadline: &Deadline,
    ) -> Result<(), OwnerError> {
        let loaded = self.call(deadline, self.store.load(&key, None)).await?;
        let base = loaded.ok_or(OwnerError::NoOwner)?.into();
        let mut begin_again = BeginAgain { backend: self, key, owner, deadline, base };
        match compare_and_set(&mut begin_again).await? {
            CasOutcome::Gone => Err(OwnerError::NoOwner),
            CasOutcome::Replaced { .. } | CasOutcome::Deleted { .. } => Ok(()),
        }
    }
}

/// Dates an owner's session to the present.
struct BeginAgain<'s, S> {
    backend: &'s ServerSide<S>,
    key: RecordKey,
    owner: OwnerKey,
    deadline: &'s Deadline,
    base: Base,
}

impl<S: Store> RecordChange for BeginAgain<'_, S> {
    type Store = S;
    type Error = OwnerError;

    fn backend(&self) -> &ServerSide<S> {
        self.backend
    }

    fn key(&self) -> &RecordKey {
        &self.key
    }

    fn deadline(&self) -> &Deadline {
        self.deadline
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn set_base(&mut self, newer: Base) {
        self.base = newer;
    }

    fn apply(&mut self) -> Result<NextState, OwnerError> {
        let base = &self.base;
        if base.record.owner() != Some(self.owner) {
            return Err(OwnerError::NoOwner);
        }
        let owner = Owner { key: self.owner, since: self.backend.shared.clock.now() };
        let record = Record { owner: Some(owner), ..base.record.clone() };
        let ttl = base.expires_in.expect("the record was loaded");
        Ok(NextState::Replaced { record, ttl })
    }
}
