//! The index of owners, as opening and saving use it.

use std::time::Duration;

use super::{ServerSide, record_parts::Login, run_to_completion};
use crate::{
    backend::circuit_breaker::Deadline,
    error::SaveError,
    store::{DeleteOutcome, OwnerKey, RecordKey, Store, StoreError, Timestamp},
};

impl<S: Store> ServerSide<S> {
    /// Adds a login to the index before its record is written. Returns whether it may go on.
    pub(super) async fn add_to_index(
        &self,
        login: Login,
        key: RecordKey,
        ttl: Duration,
        deadline: &Deadline,
    ) -> Result<bool, SaveError> {
        let Some(index) = self.store.owners() else { return Ok(true) };
        let add = index.add(&login.owner, &key, entry_ttl(ttl));
        let revoked_before = self.call(deadline, add).await?;
        Ok(is_valid(login, revoked_before))
    }

    /// Whether a login is still valid when its record is written. If its owner's sessions were ended
    /// meanwhile, the new one is deleted here.
    pub(super) async fn confirm_login(
        &self,
        login: Login,
        key: RecordKey,
        deadline: &Deadline,
    ) -> Result<bool, SaveError> {
        let Some(index) = self.store.owners() else { return Ok(true) };
        let revoked_before = self.call(deadline, index.revoked_before(&login.owner)).await?;
        let is_valid = is_valid(login, revoked_before);
        if !is_valid {
            self.delete_record(key, Some(login.owner), deadline).await?;
        }
        Ok(is_valid)
    }

    /// Deletes a record, even if the request is dropped.
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

    /// Removes an entry. One that stays points to no record, and expires.
    async fn remove_from_index(
        &self,
        owner: Option<OwnerKey>,
        key: RecordKey,
        deadline: &Deadline,
    ) {
        if let (Some(owner), Some(index)) = (owner, self.store.owners())
            && let Err(err) = self.call(deadline, index.remove(&owner, &key)).await
        {
            tracing::debug!(target: "sessions", error = &err as &dyn std::error::Error, "an ended session stays in its owner's index until its entry expires, since the store failed");
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

    /// Deletes a record that has expired. No token opens it, deleted or not.
    pub(super) fn delete_later(&self, key: RecordKey, owner: Option<OwnerKey>) {
        let backend = self.clone();
        tokio::spawn(async move {
            let deadline = Deadline::after(backend.deadlines.request);
            if let Err(err) = backend.delete_record(key, owner, &deadline).await {
                tracing::debug!(target: "sessions", error = &err as &dyn std::error::Error, "an expired session stays in the store until the store removes it, since deleting it failed");
            }
        });
    }

    /// Prolongs the entry of a session whose time starts again.
    pub(super) fn add_to_index_later(&self, owner: OwnerKey, key: RecordKey, ttl: Duration) {
        if self.store.owners().is_none() {
            return;
        }
        let backend = self.clone();
        tokio::spawn(async move {
            let deadline = Deadline::after(backend.deadlines.request);
            let Some(index) = backend.store.owners() else { return };
            let add = index.add(&owner, &key, entry_ttl(ttl));
            if let Err(err) = backend.call(&deadline, add).await {
                tracing::warn!(target: "sessions", error = &err as &dyn std::error::Error, "a session was not prolonged in its owner's index, since the store failed; its next use tries again");
            }
        });
    }
}

/// Whether a login began after its owner's sessions were last ended.
fn is_valid(login: Login, revoked_before: Option<Timestamp>) -> bool {
    let is_valid = revoked_before.is_none_or(|revoked_before| revoked_before < login.since);
    if !is_valid {
        tracing::info!(target: "sessions", "login refused: its owner's sessions were ended after its request began; to end all others at a login, call `set_owner` and then `end_others`");
    }
    is_valid
}

/// Returns a longer time than the record has, so that an entry outlives a prolongation that failed.
fn entry_ttl(ttl: Duration) -> Duration {
    ttl * 2
}
