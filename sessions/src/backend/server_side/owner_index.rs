//! The index of owners, as saving and opening keep it.

use std::time::Duration;

use super::{ServerSide, record_parts::Login, run_to_completion};
use crate::{
    backend::circuit_breaker::Deadline,
    error::SaveError,
    store::{DeleteOutcome, OwnerKey, RecordKey, Store, StoreError, Timestamp},
};

/// What saving and opening ask of the index.
impl<S: Store> ServerSide<S> {
    /// Notes a login before its record is written. Returns whether it may go on.
    pub(super) async fn add_to_index(
        &self,
        login: Login,
        key: RecordKey,
        ttl: Duration,
        deadline: &Deadline,
    ) -> Result<bool, SaveError> {
        let Some(index) = self.store.owners() else { return Ok(true) };
        let add = index.add(&login.owner, &key, noted_for(ttl));
        let revoked_before = self.call(deadline, add).await?;
        Ok(stands(login, revoked_before))
    }

    /// Whether a login still stands when its record is written: a session whose owner's were ended
    /// in between ends here.
    pub(super) async fn confirm_login(
        &self,
        login: Login,
        key: RecordKey,
        deadline: &Deadline,
    ) -> Result<bool, SaveError> {
        let Some(index) = self.store.owners() else { return Ok(true) };
        let revoked_before = self.call(deadline, index.revoked_before(&login.owner)).await?;
        let stands = stands(login, revoked_before);
        if !stands {
            self.delete_record(key, Some(login.owner), deadline).await?;
        }
        Ok(stands)
    }

    /// Ends a session, even if the request is dropped.
    pub(super) async fn end_record(
        &self,
        key: RecordKey,
        owner: Option<OwnerKey>,
        deadline: &Deadline,
    ) -> Result<bool, StoreError> {
        let (backend, deadline) = (self.clone(), deadline.shared());
        run_to_completion(async move { backend.delete_record(key, owner, &deadline).await }).await
    }

    pub(super) async fn delete_record(
        &self,
        key: RecordKey,
        owner: Option<OwnerKey>,
        deadline: &Deadline,
    ) -> Result<bool, StoreError> {
        let outcome = self.call(deadline, self.store.delete(&key)).await?;
        tracing::debug!(target: "sessions", "session ended");
        self.remove_from_index(owner, key, deadline).await;
        Ok(outcome == DeleteOutcome::Deleted)
    }

    /// An entry that stays is a hint to nothing.
    async fn remove_from_index(
        &self,
        owner: Option<OwnerKey>,
        key: RecordKey,
        deadline: &Deadline,
    ) {
        if let (Some(owner), Some(index)) = (owner, self.store.owners())
            && let Err(err) = self.call(deadline, index.remove(&owner, &key)).await
        {
            tracing::debug!(target: "sessions", error = &err as &dyn std::error::Error, "an ended session stays in its owner's index");
        }
    }

    pub(super) fn remove_from_index_later(&self, owner: Option<OwnerKey>, key: RecordKey) {
        if owner.is_some() && self.store.owners().is_some() {
            let backend = self.clone();
            tokio::spawn(async move {
                backend
                    .remove_from_index(owner, key, &Deadline::after(backend.deadlines.request))
                    .await;
            });
        }
    }

    /// Deletes a record that is over. It opens nothing, with this done or not.
    pub(super) fn delete_later(&self, key: RecordKey, owner: Option<OwnerKey>) {
        let backend = self.clone();
        tokio::spawn(async move {
            let deadline = Deadline::after(backend.deadlines.request);
            if let Err(err) = backend.delete_record(key, owner, &deadline).await {
                tracing::debug!(target: "sessions", error = &err as &dyn std::error::Error, "a session that is over stays in the store for its time");
            }
        });
    }

    /// Prolongs the entry of a session whose time starts anew.
    pub(super) fn add_to_index_later(&self, owner: OwnerKey, key: RecordKey, ttl: Duration) {
        if self.store.owners().is_none() {
            return;
        }
        let backend = self.clone();
        tokio::spawn(async move {
            let deadline = Deadline::after(backend.deadlines.request);
            let Some(index) = backend.store.owners() else { return };
            let add = index.add(&owner, &key, noted_for(ttl));
            if let Err(err) = backend.call(&deadline, add).await {
                tracing::warn!(target: "sessions", error = &err as &dyn std::error::Error, "a session was not noted in its owner's index; the next use tries again");
            }
        });
    }
}

/// Whether a login began after its owner's sessions were last ended.
fn stands(login: Login, revoked_before: Option<Timestamp>) -> bool {
    let stands = revoked_before.is_none_or(|revoked_before| revoked_before < login.since);
    if !stands {
        tracing::info!(target: "sessions", "login refused: its owner's sessions were ended after its request began; `set_owner`, then `end_others` ends the others only");
    }
    stands
}

/// Longer than the record lives, so that entries outlast a use whose note was lost.
fn noted_for(ttl: Duration) -> Duration {
    ttl * 2
}
