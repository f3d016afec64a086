//! Sessions that are taken over from another framework.
//!
//! Each request of a page load creates a record, and one of these becomes the session. It counts from then
//! on.

use super::super::{
    ServerSide,
    owner_index::indexed_until,
    write::{Base, CasOutcome, NextState, RecordChange, compare_and_set},
};
use crate::{
    backend::circuit_breaker::Deadline,
    error::SaveError,
    store::{Owner, OwnerKey, Record, RecordKey, Store, StoreError, Timestamp},
};

impl<S: Store> ServerSide<S> {
    pub(crate) fn has_cap(&self) -> bool {
        self.cap.is_some()
    }

    /// Counts a session that was taken over. Returns `false` where it has ended, since its owner has as many
    /// sessions as the cap lets live, or newer ones.
    pub(crate) async fn count_taken_over(
        &self,
        key: RecordKey,
        owner: OwnerKey,
        base: &mut Base,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, SaveError> {
        let Some(index) = self.store.owners().filter(|_| self.has_cap()) else { return Ok(true) };
        let place = match self.admit(owner, key, None, deadline).await {
            Ok(place) => place,
            Err(SaveError::TooManySessions { .. }) => {
                self.end_if_owned(key, owner, None, deadline).await?;
                return Ok(false);
            }
            Err(err) => return Err(err),
        };
        let mut count = Count { backend: self, key, now, deadline, base: base.clone() };
        let counted = compare_and_set(&mut count).await?;
        let CasOutcome::Replaced { record, revision, .. } = counted else {
            self.give_back(place, deadline).await;
            return Ok(false);
        };
        *base = Base { record, revision, lives_until: base.lives_until };
        let state = self.call(deadline, index.state(&owner)).await?;
        let stands = self.end_above_cap(owner, key, state, deadline).await?;
        self.give_back(place, deadline).await;
        Ok(stands)
    }
}

/// Notes in a record until when its owner's index holds it, by which it counts.
struct Count<'s, S> {
    backend: &'s ServerSide<S>,
    key: RecordKey,
    now: Timestamp,
    deadline: &'s Deadline,
    base: Base,
}

impl<S: Store> RecordChange for Count<'_, S> {
    type Store = S;
    type Error = StoreError;

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

    async fn apply(&mut self) -> Result<NextState, StoreError> {
        let Base { record, lives_until, .. } = &self.base;
        let ttl = lives_until.since(self.now);
        let owner = record.owner.map(|owner| Owner {
            indexed_until: owner.indexed_until.max(indexed_until(self.now, ttl)),
            ..owner
        });
        Ok(NextState::Replaced { record: Record { owner, ..(**record).clone() }, ttl })
    }
}
