//! The sessions of one owner: listed, and ended together.

use std::{fmt, time::Duration};

use futures_util::{StreamExt, stream};

use super::{
    ServerSide,
    open::LoadState,
    owned_session::{OwnedSession, current_key},
    run_to_completion,
};
use crate::{
    backend::{OwnerError, circuit_breaker::Deadline},
    session::{Session, SessionSelector},
    store::{OwnerIndex, OwnerKey, Record, RecordKey, Store, StoreError, Timestamp},
};

/// How long listing or ending an owner's sessions may take in all.
const DEADLINE: Duration = Duration::from_secs(10);
/// How many of an owner's sessions are loaded at a time.
const AT_ONCE: usize = 16;
/// How long the store remembers that an owner's sessions were ended: longer than any request runs.
const REVOCATION_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The sessions of one owner: those that called [`Session::set_owner`] with the owner's id.
///
/// Ending sessions goes on if the request is dropped, and reaches requests that run at the same time:
/// none of them brings a session of the owner back, nor begins one if it started before. For that the
/// clocks of hosts that share a store must agree within the time of a request.
impl<S: Store> ServerSide<S> {
    /// Returns the owner's sessions, the last used one first. Sessions past the `absolute_timeout` are
    /// left out; a process knows the timeout from its first request with a session, and takes the
    /// longest where services differ.
    ///
    /// # Errors
    ///
    /// [`OwnerError`].
    pub async fn sessions_of(
        &self,
        owner: impl fmt::Display,
    ) -> Result<Vec<OwnedSession>, OwnerError> {
        let owner = OwnerKey::of_id(&owner.to_string());
        let deadline = &Deadline::after(DEADLINE);
        let index = self.index()?;
        let revoked_before = self.call(deadline, index.revoked_before(&owner)).await?;
        let keys = self.call(deadline, index.keys(&owner)).await?;
        let now = self.shared.clock.time();
        let mut found = Vec::new();
        let mut loads = stream::iter(keys)
            .map(|key| async move { (key, self.call(deadline, self.store.load(&key, None)).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((key, loaded)) = loads.next().await {
            match loaded {
                Ok(Some(loaded)) if self.shared.longest_timeout.is_past(&loaded.record, now) => {
                    self.delete_later(key, loaded.record.owner());
                }
                Ok(Some(loaded)) if is_session_of(&loaded.record, owner, revoked_before) => {
                    found.extend(OwnedSession::of(key, owner, loaded, now));
                }
                // It began while the owner's sessions were ended, and was cut off before it saw that.
                Ok(Some(loaded)) if loaded.record.owner() == Some(owner) => {
                    self.delete_later(key, Some(owner));
                }
                // It has expired, is another owner's, or is about to begin, since entries are written
                // first. Entries expire.
                Ok(_) | Err(StoreError::Corrupt { .. }) => {}
                Err(err) => return Err(err.into()),
            }
        }
        found.sort_by_key(|session: &OwnedSession| std::cmp::Reverse(session.last_seen()));
        Ok(found)
    }

    /// Ends one of the sessions that [`sessions_of`](Self::sessions_of) returned. Returns whether it was
    /// still there.
    ///
    /// # Errors
    ///
    /// [`OwnerError::Store`].
    pub async fn end(&self, session: &OwnedSession) -> Result<bool, OwnerError> {
        let deadline = &Deadline::after(DEADLINE);
        Ok(self.end_record(session.key, Some(session.owner), deadline).await?)
    }

    /// Ends the session of this owner that has this [`id`](OwnedSession::id). Returns whether there
    /// was one: the id of another owner's session ends nothing.
    ///
    /// # Errors
    ///
    /// [`OwnerError`].
    pub async fn end_by_id(&self, owner: impl fmt::Display, id: &str) -> Result<bool, OwnerError> {
        let sessions = self.sessions_of(owner).await?;
        let Some(session) = sessions.iter().find(|session| session.id() == id) else {
            return Ok(false);
        };
        self.end(session).await
    }

    /// Ends all sessions of the owner of `current`, except that one: "log out everywhere else".
    /// Returns how many there were.
    ///
    /// After a change of password call [`set_owner`](Session::set_owner) and then this: the login of
    /// this request stays valid, though it is not saved yet. It is refused if another request has
    /// ended the owner's sessions since this one began.
    ///
    /// # Errors
    ///
    /// [`OwnerError`].
    pub async fn end_others<I: SessionSelector>(
        &self,
        current: &Session<I>,
    ) -> Result<usize, OwnerError> {
        let owner = current.owner().ok_or(OwnerError::NoOwner)?;
        let owner = OwnerKey::of_id(&owner);
        let key = current_key(current);
        let login = current.peek(|state| {
            let opened = state.extensions().get::<LoadState>()?;
            state.logs_in().then(|| opened.login_time())
        });
        if key.is_none() && login.is_none() {
            return Err(OwnerError::NoOwner);
        }
        let backend = self.clone();
        let end = run_to_completion(async move { backend.end_all_but(owner, key, login).await });
        let (ended, login) = end.await?;
        if let Some(time) = login {
            current.peek(|state| {
                if let Some(opened) = state.extensions().get::<LoadState>() {
                    opened.set_login_time(time);
                }
            });
        }
        Ok(ended)
    }

    /// Returns how many ended, and the time to date a login to that is not saved yet.
    async fn end_all_but(
        &self,
        owner: OwnerKey,
        key: Option<RecordKey>,
        login: Option<Timestamp>,
    ) -> Result<(usize, Option<Timestamp>), OwnerError> {
        let deadline = &Deadline::after(DEADLINE);
        let before = self.shared.clock.now();
        let revoked_before = self.call(deadline, self.index()?.revoked_before(&owner)).await?;
        let login = login
            .filter(|login| revoked_before.is_none_or(|revoked_before| revoked_before < *login));
        if let Some(key) = key {
            match self.begin_again(key, owner, deadline).await {
                // It is about to become this owner's.
                Err(OwnerError::NoOwner) if login.is_some() => {}
                done => done?,
            }
        }
        let ended = self.revoke_and_delete(owner, before, key).await?;
        Ok((ended, login.map(|_| self.shared.clock.now())))
    }

    /// Ends all sessions of the owner: "log out everywhere". Returns how many there were.
    ///
    /// The session of the calling request is among them, and changes that it makes are dropped.
    /// [`purge`](Session::purge) that session as well, so that its cookie is removed.
    ///
    /// No request that runs meanwhile logs this owner in, the calling one included: saving fails with
    /// [`SaveError::Gone`](crate::error::SaveError::Gone), 409. To log in and end all others, call
    /// [`set_owner`](Session::set_owner) and then [`end_others`](Self::end_others).
    ///
    /// # Errors
    ///
    /// [`OwnerError`].
    pub async fn end_all(&self, owner: impl fmt::Display) -> Result<usize, OwnerError> {
        let owner = OwnerKey::of_id(&owner.to_string());
        let backend = self.clone();
        run_to_completion(async move {
            let before = backend.shared.clock.now();
            backend.revoke_and_delete(owner, before, None).await
        })
        .await
    }

    async fn revoke_and_delete(
        &self,
        owner: OwnerKey,
        before: Timestamp,
        except: Option<RecordKey>,
    ) -> Result<usize, OwnerError> {
        let deadline = &Deadline::after(DEADLINE);
        let index = self.index()?;
        // First, so that a login which is not yet in the index sees it.
        self.call(deadline, index.revoke_before(&owner, before, REVOCATION_TTL)).await?;
        let keys = self.call(deadline, index.keys(&owner)).await?;
        let mut ends = stream::iter(keys.into_iter().filter(|key| Some(*key) != except))
            .map(|key| self.end_if_owned(key, owner, deadline))
            .buffer_unordered(AT_ONCE);
        let mut ended = 0;
        while let Some(result) = ends.next().await {
            ended += usize::from(result?);
        }
        Ok(ended)
    }

    /// Deletes a session that the index names, if it is still this owner's.
    async fn end_if_owned(
        &self,
        key: RecordKey,
        owner: OwnerKey,
        deadline: &Deadline,
    ) -> Result<bool, OwnerError> {
        let is_owners = match self.call(deadline, self.store.load(&key, None)).await {
            Ok(loaded) => loaded.is_some_and(|loaded| loaded.record.owner() == Some(owner)),
            Err(StoreError::Corrupt { .. }) => true,
            Err(err) => return Err(err.into()),
        };
        // The entry of a session that is not there stays: the session may be about to begin.
        Ok(is_owners && self.delete_record(key, Some(owner), deadline).await?)
    }

    fn index(&self) -> Result<&dyn OwnerIndex, OwnerError> {
        self.store.owners().ok_or(OwnerError::Unsupported)
    }
}

fn is_session_of(record: &Record, owner: OwnerKey, revoked_before: Option<Timestamp>) -> bool {
    record.owner.is_some_and(|found| {
        found.key == owner
            && revoked_before.is_none_or(|revoked_before| revoked_before < found.since)
    })
}
