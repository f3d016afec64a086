//! The sessions of one owner: listed, and ended together.

use std::{fmt, time::Duration};

use futures_util::{StreamExt, stream};

use super::{
    ServerSide,
    open::{LoadState, SavedRecord},
    owned_session::{OwnedSession, current_key},
    owner_index::has_ended,
    run_to_completion,
};
use crate::{
    backend::{
        OwnerError,
        circuit_breaker::{Deadline, Write},
        login_time::LoginTime,
        revocation::END_REMEMBERED,
    },
    session::{Session, SessionSelector},
    store::{Ended, OwnerIndex, OwnerKey, Store, StoreError, Timestamp},
};

/// How long listing or ending an owner's sessions may take in all.
const DEADLINE: Duration = Duration::from_secs(10);

/// How many of an owner's sessions are loaded at a time.
const AT_ONCE: usize = 16;

/// The sessions of one owner: those that called [`Session::set_owner`] with the owner's id.
///
/// Ending sessions goes on if the request is dropped, and reaches requests that run at the same time:
/// none of them brings a session of the owner back, nor begins one if it started before. Logins and ends
/// are ordered by the store's clock, so that hosts' clocks need not agree.
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
        let owner = self.owner_key(&owner.to_string());
        let deadline = &Deadline::after(DEADLINE);
        let index = self.index()?;
        let look = self.call(deadline, index.state(&owner)).await;
        let ended_before = look.map_err(OwnerError::Store)?.ended_before;
        let keys = self.call(deadline, index.keys(&owner)).await.map_err(OwnerError::Store)?;
        let mut found = Vec::new();
        let mut loads = self.loads(keys, AT_ONCE, deadline);
        while let Some((key, loaded)) = loads.next().await {
            let loaded = match loaded {
                Ok(Some(loaded)) => loaded,
                // It has expired, or is about to begin, since entries are written first. Entries expire.
                Ok(None) | Err(StoreError::Corrupt { .. }) => continue,
                Err(err) => return Err(OwnerError::Store(err)),
            };
            let (record, now) = (&loaded.record, loaded.now.time());
            // An entry stays where a session has changed its owner.
            let Some(login) = record.owner.filter(|login| login.key == owner) else { continue };
            let is_past = self.shared.longest_timeout.is_past(record, now);
            // It began while the owner's sessions were ended, and was cut off before it saw that.
            if is_past || has_ended(login.since, ended_before) {
                self.delete_later(key, loaded.revision, Some(owner));
                continue;
            }
            found.extend(OwnedSession::of(key, owner, loaded));
        }
        found.sort_by_key(|session: &OwnedSession| std::cmp::Reverse(session.last_seen()));
        Ok(found)
    }

    /// Ends one of the sessions that [`sessions_of`](Self::sessions_of) returned. Returns whether it was
    /// still there, and the owner's.
    ///
    /// # Errors
    ///
    /// [`OwnerError::Store`].
    pub async fn end(&self, session: &OwnedSession) -> Result<bool, OwnerError> {
        let (backend, key, owner) = (self.clone(), session.key, session.owner);
        let end = run_to_completion(async move {
            backend.end_if_owned(key, owner, None, &Deadline::after(DEADLINE)).await
        });
        Ok(end.await?)
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
    /// [`OwnerError::NoOwner`] when the session has no owner; [`OwnerError::Ended`] when it has ended, or
    /// another request ends all of the owner's sessions at the same time; and the others of
    /// [`OwnerError`].
    pub async fn end_others<I: SessionSelector>(
        &self,
        current: &Session<I>,
    ) -> Result<usize, OwnerError> {
        let owner = self.owner_key(&current.owner().ok_or(OwnerError::NoOwner)?);
        let is_there = current_key(current).is_some();
        let (record, login) = current.peek(|state| {
            let opened = state.extensions().get::<LoadState>();
            let record = opened.filter(|_| is_there).and_then(LoadState::current);
            (record, opened.filter(|_| state.logs_in()).map(|opened| opened.login_time.clone()))
        });
        if record.is_none() && login.is_none() {
            return Err(OwnerError::NoOwner);
        }
        let backend = self.clone();
        let end = run_to_completion(async move { backend.end_all_but(owner, record, login).await });
        let (ended, login) = end.await?;
        if let Some(time) = login {
            current.peek(|state| {
                if let Some(opened) = state.extensions().get::<LoadState>() {
                    opened.login_time.set(owner, time);
                }
            });
        }
        ended
    }

    /// Returns how many ended, and the time to date a login to that is not saved yet.
    async fn end_all_but(
        &self,
        owner: OwnerKey,
        record: Option<SavedRecord>,
        login: Option<LoginTime>,
    ) -> Result<(Result<usize, OwnerError>, Option<Timestamp>), OwnerError> {
        let deadline = &Deadline::after(DEADLINE);
        let look = self.call(deadline, self.index()?.state(&owner)).await;
        let look = look.map_err(OwnerError::Store)?;
        let since = login.map(|login| login.by(owner, look.now));
        if since.is_some_and(|since| has_ended(since, look.ended_before)) {
            return Err(OwnerError::Ended);
        }
        if let Some(record) = record {
            match self.begin_again(record, owner, look, deadline).await {
                // It is about to become this owner's.
                Err(OwnerError::NoOwner | OwnerError::Ended) if since.is_some() => {}
                done => done?,
            }
        }
        // Also where the store fails from here on: the end may be noted.
        let spared = since.map(|_| look.now.next());
        let end = match self.note_end(owner, Some(look.now), deadline).await {
            Ok(end) => end,
            Err(err) => return Ok((Err(err), spared)),
        };
        let ended = self.end_noted(owner, end, deadline).await;
        // The moment is our own where a call was repeated.
        let is_alone = end.previous == look.ended_before || end.previous == Some(look.now);
        // Another end came meanwhile, of sessions from before this login.
        let is_later =
            record.is_none() && since.is_some_and(|since| !has_ended(since, end.previous));
        if is_alone || is_later {
            return Ok((ended, spared));
        }
        if let Some(record) = record {
            let until = end.at.max(look.now.next());
            self.end_if_owned(record.key, owner, Some(until), deadline).await?;
        }
        // Before every end, so that the login is refused.
        Ok((Err(OwnerError::Ended), since.map(|_| Timestamp::default())))
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
        let owner = self.owner_key(&owner.to_string());
        let backend = self.clone();
        let end = run_to_completion(async move {
            let deadline = &Deadline::after(DEADLINE);
            let end = backend.note_end(owner, None, deadline).await?;
            backend.end_noted(owner, end, deadline).await
        });
        end.await
    }

    /// Notes the moment first, so that a login which is not yet in the index sees it.
    async fn note_end(
        &self,
        owner: OwnerKey,
        up_to: Option<Timestamp>,
        deadline: &Deadline,
    ) -> Result<Ended, OwnerError> {
        let end = self.index()?.end_before(&owner, up_to, END_REMEMBERED);
        let ended = self.write(Write::Index, deadline, end).await?;
        self.log_ids.tell_owner_ended(&owner, up_to.is_some());
        Ok(ended)
    }

    /// Ends the sessions up to a moment that is noted. Returns how many there were. One that cannot be
    /// ended does not keep the others alive.
    async fn end_noted(
        &self,
        owner: OwnerKey,
        end: Ended,
        deadline: &Deadline,
    ) -> Result<usize, OwnerError> {
        let keys = self.call(deadline, self.index()?.keys(&owner)).await?;
        let mut ends = stream::iter(keys)
            .map(|key| self.end_if_owned(key, owner, Some(end.at), deadline))
            .buffer_unordered(AT_ONCE);
        let (mut ended, mut failed) = (0, None);
        while let Some(result) = ends.next().await {
            match result {
                Ok(is_ended) => ended += usize::from(is_ended),
                Err(err) => failed = Some(err),
            }
        }
        failed.map_or(Ok(ended), |err| Err(err.into()))
    }

    fn index(&self) -> Result<&dyn OwnerIndex, OwnerError> {
        self.store.owners().ok_or(OwnerError::Unsupported)
    }
}
