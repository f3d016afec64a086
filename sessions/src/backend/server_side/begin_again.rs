//! Dating a session to the present, so that it outlives the end of its owner's others.

use super::{
    ServerSide,
    open::SavedRecord,
    owner_index::has_ended,
    write::{Base, CasOutcome, NextState, RecordChange, compare_and_set},
};
use crate::{
    backend::{OwnerError, circuit_breaker::Deadline},
    store::{Owner, OwnerKey, OwnerState, Record, RecordKey, Store},
};

impl<S: Store> ServerSide<S> {
    /// Dates the login of the current session to `since`, so that an end of the owner's sessions before
    /// that spares it.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NoOwner`] when the record is not the owner's; [`OwnerError::Ended`] when it is gone,
    /// is not the session any more that the request opened, or has ended up to `ended_before`.
    pub(super) async fn begin_again(
        &self,
        current: SavedRecord,
        owner: OwnerKey,
        look: OwnerState,
        deadline: &Deadline,
    ) -> Result<(), OwnerError> {
        // Until the end, so that writers of this process do not starve it.
        let _guard = self.shared.write_queue.lock(current.key, deadline).await?;
        let loaded = self.call(deadline, self.store.load(&current.key, None)).await?;
        let base = loaded.ok_or(OwnerError::Ended)?.into();
        let mut begin_again = BeginAgain { backend: self, current, owner, look, deadline, base };
        match compare_and_set(&mut begin_again).await? {
            CasOutcome::Gone => Err(OwnerError::Ended),
            CasOutcome::Replaced { .. } | CasOutcome::Deleted { .. } => Ok(()),
        }
    }
}

/// Dates an owner's session to the moment after a look at the index.
struct BeginAgain<'s, S> {
    backend: &'s ServerSide<S>,
    current: SavedRecord,
    owner: OwnerKey,
    look: OwnerState,
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
        &self.current.key
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

    async fn apply(&mut self) -> Result<NextState, OwnerError> {
        let Base { record, lives_until, .. } = &self.base;
        let owner = record.owner.filter(|owner| owner.key == self.owner);
        let owner = owner.ok_or(OwnerError::NoOwner)?;
        if record.epoch != self.current.epoch || has_ended(owner.since, self.look.ended_before) {
            return Err(OwnerError::Ended);
        }
        // A store's clock may go back, at a failover.
        let since = owner.since.max(self.look.now.next());
        let owner = Owner { since, ..owner };
        let record = Record { owner: Some(owner), ..(**record).clone() };
        Ok(NextState::Replaced { record, ttl: lives_until.since(self.look.now) })
    }
}
