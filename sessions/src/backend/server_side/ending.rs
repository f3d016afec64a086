//! Ending sessions with their owner's others, and deleting those that have expired.

use super::{
    ServerSide,
    cap::Admission,
    record_parts::Login,
    write::{Removal, RemovalCondition, RemovalOutcome},
};
use crate::{
    backend::circuit_breaker::{Deadline, Write},
    error::SaveError,
    events::event,
    store::{DeleteIfOutcome, OwnerKey, RecordKey, Revision, Store, StoreError, Timestamp},
};

impl<S: Store> ServerSide<S> {
    /// Whether a login is still valid when its record is written. If its owner's sessions were ended
    /// meanwhile, the new one is deleted here; if there are too many, so are the oldest.
    pub(super) async fn confirm_login(
        &self,
        login: Login,
        key: RecordKey,
        place: Option<&Admission>,
        deadline: &Deadline,
    ) -> Result<bool, SaveError> {
        let Some(index) = self.store.owners() else { return Ok(true) };
        let Login { owner, since, .. } = login;
        let state = self.call(deadline, index.state(&owner)).await?;
        if let Some(ended) = state.ended_before.filter(|ended| since <= *ended) {
            self.log_ids.tell_login_refused(&owner);
            self.end_if_owned(key, owner, Some(ended), deadline).await?;
            return Ok(false);
        }
        if place.is_some_and(|place| place.is_over(state.now)) {
            self.end_if_owned(key, owner, Some(since), deadline).await?;
            return Err(SaveError::Timeout);
        }
        if login.owner().counts() {
            self.end_above_cap(owner, key, state, deadline).await
        } else {
            Ok(true)
        }
    }

    /// Deletes a record if it is this owner's, and its login is not later than `until`. Returns whether
    /// it was deleted.
    pub(super) async fn end_if_owned(
        &self,
        key: RecordKey,
        owner: OwnerKey,
        until: Option<Timestamp>,
        deadline: &Deadline,
    ) -> Result<bool, StoreError> {
        let base = match self.call(deadline, self.store.load(&key, None)).await {
            Ok(Some(loaded)) => loaded.into(),
            // Its entry stays: the session may be about to begin.
            Ok(None) => return Ok(false),
            // Its owner cannot be read. Its entry says whose it was.
            Err(StoreError::Corrupt { .. } | StoreError::NewerFormat { .. }) => {
                self.write(Write::Delete, deadline, self.store.delete(&key)).await?;
                self.remove_from_index(Some(owner), key, deadline).await;
                let session = self.log_ids.session(&key);
                event!(
                    SessionEnded,
                    reason = "owner",
                    session,
                    "session ended, though it cannot be read"
                );
                return Ok(true);
            }
            Err(err) => return Err(err),
        };
        let condition = RemovalCondition::Owned { by: owner, until };
        let outcome = Removal::new(self, key, base, condition, deadline).run().await?;
        Ok(outcome == RemovalOutcome::Deleted)
    }

    /// Deletes a session that was found to have ended with its owner's others. Returns `false` where another
    /// request has written it meanwhile: it may have been spared, and a task ends it if it was not.
    pub(super) async fn end_found(
        &self,
        key: RecordKey,
        revision: Revision,
        owner: OwnerKey,
        until: Timestamp,
        deadline: &Deadline,
    ) -> bool {
        let delete = self.store.delete_if(&key, revision);
        let ended = match self.write(Write::Delete, deadline, delete).await {
            Ok(DeleteIfOutcome::Deleted) => {
                self.remove_from_index(Some(owner), key, deadline).await;
                Ok(())
            }
            Ok(DeleteIfOutcome::Gone) => Ok(()),
            Ok(DeleteIfOutcome::Conflict) => {
                let backend = self.clone();
                tokio::spawn(async move {
                    let deadline = Deadline::after(backend.deadlines.request);
                    if let Err(err) = backend.end_if_owned(key, owner, Some(until), &deadline).await
                    {
                        backend.log_not_ended(&err);
                    }
                });
                return false;
            }
            Err(err) => Err(err),
        };
        event!(
            SessionEnded,
            reason = "owner",
            session = self.log_ids.session(&key),
            "session ended: its owner's sessions were ended while their index had lost it"
        );
        if let Err(err) = ended {
            self.log_not_ended(&err);
        }
        true
    }

    fn log_not_ended(&self, err: &StoreError) {
        let what = "a session that has ended with its owner's others stays in the store until its next use, since deleting it failed";
        self.log().survived(what, err);
    }

    /// Deletes a record that has expired, unless it was written meanwhile. No token opens it, deleted or
    /// not.
    pub(super) fn delete_later(&self, key: RecordKey, revision: Revision, owner: Option<OwnerKey>) {
        let backend = self.clone();
        tokio::spawn(async move {
            let deadline = Deadline::after(backend.deadlines.request);
            let delete = backend.store.delete_if(&key, revision);
            match backend.write(Write::Delete, &deadline, delete).await {
                Ok(DeleteIfOutcome::Deleted) => {
                    backend.remove_from_index(owner, key, &deadline).await;
                }
                Ok(DeleteIfOutcome::Conflict | DeleteIfOutcome::Gone) => {}
                Err(err) => {
                    event!(
                        StoreLeftover,
                        "an expired session stays in the store until the store removes it, since deleting it failed: {}",
                        err.with_causes()
                    );
                }
            }
        });
    }
}
