//! The index of owners, as opening and saving use it.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};

use super::{
    ServerSide,
    record_parts::{Login, Ttl},
};
use crate::{
    backend::{
        circuit_breaker::{Deadline, Write},
        login_time::LoginTime,
    },
    error::SaveError,
    events::event,
    store::{
        Loaded, Owner, OwnerIndex, OwnerKey, Record, RecordKey, Revision, Store, StoreError,
        Timestamp,
    },
};

/// An index holds a record for its time and for as long again, so that a session which is used all the
/// time is added once in its time; at least for so long.
const MIN_AGAIN: Duration = Duration::from_secs(60);
/// How much longer an entry lives than its record says, beside the time that the request may take: the
/// record's time starts when the store writes it.
pub(super) const SLACK: Duration = Duration::from_secs(10);

/// When the owner of a session that is written logged in.
#[derive(Clone, Debug)]
pub(super) enum LoggedIn {
    /// With this request.
    With(LoginTime),
    /// Elsewhere, before the session was taken over.
    At(Timestamp),
}

/// Whether an owner's index holds a record for as long as it is to live.
#[derive(Clone, Copy)]
pub(super) enum Indexed {
    /// It does, or the session has no owner.
    Enough,
    /// It does after this call, until this time.
    Until(Timestamp),
    /// The session has ended, with its owner's others up to this moment.
    Ended { owner: OwnerKey, until: Timestamp },
}

impl<S: Store> ServerSide<S> {
    /// Adds a login to its owner's index before its record is written. Returns `None` when the owner's
    /// sessions were ended after the request of the login began.
    pub(super) async fn add_login(
        &self,
        owner: OwnerKey,
        key: RecordKey,
        login: &LoggedIn,
        ttl: Duration,
        deadline: &Deadline,
    ) -> Result<Option<Login>, SaveError> {
        self.check_cap_has_index()?;
        let Some(index) = self.store.owners() else {
            let (since, indexed_until) = (Timestamp::default(), Timestamp::new(u64::MAX));
            return Ok(Some(Login { owner, since, indexed_until, now: None }));
        };
        let add = index.add(&owner, &key, self.entry_ttl(ttl));
        let state = self.write(Write::Index, deadline, add).await?;
        let since = match login {
            LoggedIn::With(time) => time.by(owner, state.now),
            LoggedIn::At(since) => *since,
        };
        if has_ended(since, state.ended_before) {
            self.log_ids.tell_login_refused(&owner);
            return Ok(None);
        }
        let indexed_until = indexed_until(state.now, ttl);
        Ok(Some(Login { owner, since, indexed_until, now: Some(state.now) }))
    }

    /// Adds a record to its owner's index again where that holds it for less than this time, and asks
    /// whether the session has ended.
    pub(super) async fn keep_indexed(
        &self,
        record: &Record,
        key: RecordKey,
        ttl: Duration,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<Indexed, StoreError> {
        let Some((owner, index)) = self.index_to_ask(record, ttl, now) else {
            return Ok(Indexed::Enough);
        };
        let Owner { key: owner, since, .. } = owner;
        let add = index.add(&owner, &key, self.entry_ttl(ttl));
        let state = self.write(Write::Index, deadline, add).await?;
        Ok(match state.ended_before {
            Some(until) if since <= until => Indexed::Ended { owner, until },
            _ => Indexed::Until(indexed_until(state.now, ttl)),
        })
    }

    /// Returns the owner whose index is to be asked before a record is to live for this time, if the index
    /// holds the record for less.
    pub(super) fn index_to_ask(
        &self,
        record: &Record,
        ttl: Duration,
        now: Timestamp,
    ) -> Option<(Owner, &dyn OwnerIndex)> {
        let owner = record.owner.filter(|owner| owner.indexed_until < now.after(ttl))?;
        Some((owner, self.store.owners()?))
    }

    /// Like [`keep_indexed`](Self::keep_indexed), before a write. Returns until when the index holds the
    /// record, as far as it was asked: where it fails, the record is written for a shorter time. Returns
    /// `None` when the session has ended.
    pub(super) async fn prolong_entry(
        &self,
        record: &Record,
        revision: Revision,
        key: RecordKey,
        ttl: Ttl,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Option<Timestamp> {
        match self.keep_indexed(record, key, ttl.of(record), now, deadline).await {
            Ok(Indexed::Enough) => Some(Timestamp::default()),
            Ok(Indexed::Until(until)) => Some(until),
            Ok(Indexed::Ended { owner, until }) => {
                // Where it was written meanwhile, the write meets that record.
                let has_ended = self.end_found(key, revision, owner, until, deadline).await;
                (!has_ended).then(Timestamp::default)
            }
            Err(err) => {
                let what = "a session is written for a shorter time, since its owner's index failed; its next write tries again";
                self.log().survived(what, &err);
                Some(Timestamp::default())
            }
        }
    }

    /// Loads an owner's sessions, `at_once` of them at a time.
    pub(super) fn loads<'l>(
        &'l self,
        keys: Vec<RecordKey>,
        at_once: usize,
        deadline: &'l Deadline,
    ) -> impl Stream<Item = (RecordKey, Result<Option<Loaded>, StoreError>)> + Send + 'l {
        let load =
            move |key| async move { (key, self.call(deadline, self.store.load(&key, None)).await) };
        Box::pin(stream::iter(keys).map(load).buffer_unordered(at_once))
    }

    fn entry_ttl(&self, ttl: Duration) -> Duration {
        indexed_for(ttl) + self.deadlines.request + self.deadlines.call + SLACK
    }

    /// Removes an entry. One that stays points to no record, and expires.
    pub(super) async fn remove_from_index(
        &self,
        owner: Option<OwnerKey>,
        key: RecordKey,
        deadline: &Deadline,
    ) {
        if let (Some(owner), Some(index)) = (owner, self.store.owners())
            && let Err(err) = self.write(Write::Index, deadline, index.remove(&owner, &key)).await
        {
            event!(
                StoreLeftover,
                "an ended session stays in its owner's index until its entry expires, since the store failed: {}",
                err.with_causes()
            );
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
}

/// Whether the owner's sessions were ended up to a moment that is not before this login.
pub(super) fn has_ended(since: Timestamp, ended_before: Option<Timestamp>) -> bool {
    ended_before.is_some_and(|ended| since <= ended)
}

/// How long a record may rely on its entry.
fn indexed_for(ttl: Duration) -> Duration {
    ttl + ttl.max(MIN_AGAIN)
}

pub(super) fn indexed_until(now: Timestamp, ttl: Duration) -> Timestamp {
    now.after(indexed_for(ttl))
}
