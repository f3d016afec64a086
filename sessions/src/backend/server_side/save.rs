//! Saving: from what a request did, and where its session came from, to the calls of the store.

use std::{sync::Arc, time::UNIX_EPOCH};

use super::{
    ServerSide,
    create::Reserved,
    open::{Found, LoadState, Origin, SavedRecord},
    owner_index::LoggedIn,
    record_parts::RecordTime,
    run_to_completion,
    timeouts::ttl,
    token::PurposeTokens,
    write::{
        ConditionalWrite, NewToken, Opened, Reason, Removal, RemovalCondition, RemovalOutcome,
        WriteOutcome,
    },
};
use crate::{
    backend::{circuit_breaker::Deadline, login_time::LoginTime},
    clock::Clock,
    error::SaveError,
    events::event,
    interface::{SaveContext, Saved, Transport, unix_seconds},
    state::{Adopted, SessionState, SessionStatus},
    store::{Epoch, RecordKey, Store, StoreError, Timestamp},
    token::split::SplitToken,
};

/// One request's session on its way to the store.
pub(super) struct Saving<'s, S> {
    pub(super) backend: &'s ServerSide<S>,
    pub(super) state: &'s SessionState,
    pub(super) cx: &'s SaveContext<'s>,
    /// `None` for a session that another backend opened.
    pub(super) opened: Option<&'s LoadState>,
    pub(super) deadline: Deadline,
}

impl<S: Store> ServerSide<S> {
    pub(super) async fn save_session(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let saving = self.saving(state, cx);
        let saved = match saving.origin() {
            Origin::New => saving.begin(state).await,
            Origin::Stale(found) => Box::pin(saving.save_stale(found)).await,
            Origin::Record(found) => saving.save_found(found).await,
        };
        Ok(saving.ending(saved?))
    }

    pub(super) fn saving<'s>(
        &'s self,
        state: &'s SessionState,
        cx: &'s SaveContext<'_>,
    ) -> Saving<'s, S> {
        let opened = state.extensions().get::<LoadState>();
        let deadline = Deadline::after(opened.map_or(self.deadlines.request, |opened| opened.left));
        Saving { backend: self, state, cx, opened, deadline }
    }
}

impl<S: Store> Saving<'_, S> {
    fn origin(&self) -> &Origin {
        self.opened.map_or(&Origin::New, |opened| &opened.origin)
    }

    /// Says when a session that was saved ends.
    pub(super) fn ending(&self, saved: Saved) -> Saved {
        let began = match self.origin() {
            Origin::Record(found)
                if self.cx.session_status() != SessionStatus::Purged && !self.state.logs_in() =>
            {
                found.base.record.created_secs
            }
            _ => unix_seconds(self.cx.now()),
        };
        saved.ending_at(self.cx.ends_at(began, self.state.own_lifetimes()))
    }

    async fn save_found(&self, found: &Found) -> Result<Saved, SaveError> {
        match self.cx.session_status() {
            SessionStatus::Unchanged => Ok(self.refresh(found).await),
            SessionStatus::Rotated | SessionStatus::Renewed if !found.by_grace => {
                self.replace_token(found).await
            }
            // The token that this client would get is another request's.
            SessionStatus::Rotated if self.cx.hands_out() => Err(SaveError::Superseded),
            SessionStatus::Rotated if !self.state.is_modified() => Ok(Saved::unchanged()),
            // The token of a client that has its time of grace was rotated a moment ago.
            SessionStatus::Changed | SessionStatus::Rotated => self.change(found).await,
            SessionStatus::Renewed => Box::pin(self.log_in_or_supersede()).await,
            SessionStatus::Purged => Box::pin(self.purge(found)).await,
        }
    }

    /// Sends the token again, if it still opens the session: another request may have replaced it or
    /// purged the session meanwhile.
    pub(super) async fn refresh(&self, found: &Found) -> Saved {
        if found.by_grace {
            return Saved::unchanged();
        }
        // No other request has its token.
        if self.opened.is_some_and(|opened| opened.is_taken_over) {
            return self.token(&found.token);
        }
        let load = self.backend.store.load(&found.key, None);
        match self.backend.call(&self.deadline, load).await {
            Ok(Some(loaded)) if loaded.record.verifier == found.verifier => {
                self.token(&found.token)
            }
            Ok(_) => Saved::unchanged(),
            Err(err) => {
                let what = "a session cookie was not refreshed, since the store failed; the next request tries again";
                self.backend.log().survived(what, &err);
                Saved::unchanged()
            }
        }
    }

    /// Saves a session that was opened with a token that was replaced a moment ago. The browser may have
    /// the new one by now, so that only a session that begins sets a cookie.
    async fn save_stale(&self, found: &Found) -> Result<Saved, SaveError> {
        match self.cx.session_status() {
            SessionStatus::Unchanged => Ok(Saved::unchanged()),
            SessionStatus::Purged if found.may_purge() => self.purge(found).await,
            SessionStatus::Purged if self.state.logs_in() => self.begin(self.state).await,
            SessionStatus::Renewed if self.state.is_empty() => Ok(Saved::unchanged()),
            SessionStatus::Renewed => self.begin(self.state).await,
            SessionStatus::Rotated if !self.state.is_modified() => Ok(Saved::unchanged()),
            SessionStatus::Changed | SessionStatus::Rotated | SessionStatus::Purged => {
                Err(SaveError::Superseded)
            }
        }
    }

    /// Ends what the request opened, and begins a session with what it wrote after that.
    async fn purge(&self, found: &Found) -> Result<Saved, SaveError> {
        self.deadline.begin();
        let is_conditional = self.state.is_conditional();
        // First: a login that is refused leaves the session as it was.
        let reserved = self.reserve(found).await?;
        let err = match self.end(found).await {
            // The request that ended it may have taken the same value.
            Ok(RemovalOutcome::Gone) if is_conditional => SaveError::Gone,
            Ok(RemovalOutcome::Deleted | RemovalOutcome::Gone) => {
                return self.begin_as(self.state, reserved).await;
            }
            // Another login has taken the record over, which stays: its place is not this login's.
            Ok(RemovalOutcome::Refused) if self.state.logs_in() && !is_conditional => {
                let place = reserved.map(|Reserved { place, .. }| place);
                self.backend.give_back(place, &self.deadline).await;
                return self.begin(self.state).await;
            }
            Ok(RemovalOutcome::Refused) => SaveError::Superseded,
            Err(err) => err,
        };
        if let Some(Reserved { place, .. }) = reserved {
            self.backend.give_back(Some(place), &self.deadline).await;
        }
        Err(err)
    }

    /// Deletes the record of a session, and those that other tokens of the request open, even if the
    /// request is dropped.
    async fn end(&self, found: &Found) -> Result<RemovalOutcome, SaveError> {
        let others = self.opened.map_or(&[][..], |opened| &opened.others);
        let others = others.iter().filter(|other| other.key != found.key);
        let others: Vec<_> = others.map(|other| self.removal(other)).collect();
        let first = self.removal(found).requiring(self.state.changes());
        let ends = run_to_completion(async move {
            let outcome = first.run().await?;
            if outcome != RemovalOutcome::Refused {
                for other in others {
                    other.run().await?;
                }
            }
            Ok::<_, StoreError>(outcome)
        });
        Ok(ends.await?)
    }

    fn removal(&self, found: &Found) -> Removal<S> {
        let (base, condition) = (found.base.clone(), RemovalCondition::SameLogin(found.epoch));
        Removal::new(self.backend, found.key, base, condition, &self.deadline)
    }

    async fn change(&self, found: &Found) -> Result<Saved, SaveError> {
        match self.write(found, None).await? {
            WriteOutcome::Kept { token_holds, merged } => {
                let saved = if token_holds { self.held(found) } else { Saved::unchanged() };
                Ok(with_merged(saved, merged))
            }
            WriteOutcome::Deleted => Ok(Saved::removed()),
            // The request emptied it. A value that it took may be what the other request took.
            WriteOutcome::Gone if self.state.is_empty() && !self.state.is_conditional() => {
                Ok(Saved::removed())
            }
            WriteOutcome::Gone => Err(SaveError::Gone),
        }
    }

    /// The client keeps its token, unless that is to be signed with the current key.
    pub(super) fn held(&self, found: &Found) -> Saved {
        if self.state.wants_refresh() {
            self.token(&found.token)
        } else {
            Saved::held(self.token_text(&found.token))
        }
    }

    /// Saves a session that gets another token: a rotation, a renewal or a login.
    async fn replace_token(&self, found: &Found) -> Result<Saved, SaveError> {
        let token = found.token.renewed().map_err(SaveError::internal)?;
        // A session that begins instead shares the time.
        self.deadline.begin();
        match self.write(found, Some(&token)).await {
            Ok(WriteOutcome::Kept { token_holds, merged }) => {
                if !token_holds {
                    return Ok(with_merged(Saved::unchanged(), merged));
                }
                let owner = || {
                    let owner = self.state.owner().map(|id| self.backend.owner_key(&id));
                    owner.and_then(|owner| self.backend.log_ids.owner(&owner))
                };
                let reason = match self.new_token(&token).reason {
                    Reason::Rotation => "rotation",
                    Reason::Renewal => "renewal",
                    Reason::Login => "login",
                };
                event!(
                    SessionRenewed,
                    reason = reason,
                    session = self.backend.log_ids.session(&found.key),
                    owner = owner(),
                    "session token replaced"
                );
                self.note_saved(found.key, &token, found.epoch);
                Ok(with_merged(self.token(&token), merged))
            }
            Ok(WriteOutcome::Deleted) => Ok(Saved::removed()),
            Ok(WriteOutcome::Gone) if self.cx.session_status() == SessionStatus::Rotated => {
                Err(SaveError::Gone)
            }
            Ok(WriteOutcome::Gone) => Box::pin(self.begin_instead(found)).await,
            Err(SaveError::Superseded) => Box::pin(self.log_in_or_supersede()).await,
            Err(err) => Err(err),
        }
    }

    async fn write(
        &self,
        found: &Found,
        new_token: Option<&SplitToken>,
    ) -> Result<WriteOutcome, SaveError> {
        let write = Box::new(ConditionalWrite {
            backend: self.backend.clone(),
            key: found.key,
            base: found.base.clone(),
            revision: found.base.revision,
            changes: self.state.changes().cloned().unwrap_or_default(),
            opened: Opened { verifier: found.verifier, epoch: found.epoch },
            reads_back: self.cx.reads_back(),
            new_token: new_token.map(|token| self.new_token(token)),
            logged_in: self.logged_in(),
            login: None,
            payload: self.backend.payload(self.state)?,
            now: self.now(),
            store_now: self.store_now(found),
            ttl: ttl(self.cx.settings()),
            deadline: self.deadline.clone(),
            indexed_until: Timestamp::default(),
            is_retry: false,
            rebased: false,
        });
        write.run().await
    }

    fn new_token(&self, token: &SplitToken) -> NewToken {
        let reason = match self.cx.session_status() {
            SessionStatus::Rotated => Reason::Rotation,
            _ if self.state.logs_in() => Reason::Login,
            _ => Reason::Renewal,
        };
        NewToken { verifier: self.tokens().verifier_hash(token), reason }
    }

    /// Notes what a later step of the same request is to take for its session.
    fn note_saved(&self, key: RecordKey, token: &SplitToken, present: Epoch) {
        let epoch = self.new_token(token).epoch(present);
        if let Some(opened) = self.opened {
            opened.saved.get_or_init(|| SavedRecord { key, epoch });
        }
    }

    /// Returns when the owner of the session logged in, if it has one.
    pub(super) fn logged_in(&self) -> LoggedIn {
        if let Some(Adopted { since }) = self.state.adopted().filter(|_| !self.state.logs_in()) {
            // At an unknown time: before anything ended the owner's sessions.
            return LoggedIn::At(Timestamp::of(since.unwrap_or(UNIX_EPOCH)));
        }
        let time = self.opened.map(|opened| opened.login_time.clone());
        LoggedIn::With(time.unwrap_or_else(|| {
            let clock = Clock::system();
            LoginTime::began(clock.stopwatch(clock.now()))
        }))
    }

    pub(super) fn now(&self) -> RecordTime {
        RecordTime::at(self.cx.now())
    }

    /// Returns the store's time, or that of a moment later.
    pub(super) fn store_now(&self, found: &Found) -> Timestamp {
        let stopwatch = self.opened.map(|opened| opened.login_time.stopwatch());
        stopwatch.map_or(found.now, |begun| found.now.after(begun.elapsed_steadily()))
    }

    pub(super) fn token(&self, token: &SplitToken) -> Saved {
        match self.cx.transport() {
            Transport::Cookie => Saved::encoded_token(self.token_text(token)),
            Transport::Bearer => Saved::bearer_token(self.token_text(token)),
        }
    }

    fn token_text(&self, token: &SplitToken) -> String {
        self.tokens().write(token)
    }

    pub(super) fn tokens(&self) -> PurposeTokens<'_> {
        self.backend.tokens.of(self.cx.settings(), self.cx.cookie(), self.cx.transport())
    }
}

/// Returns the result with the changes of other requests, where they were merged.
fn with_merged(saved: Saved, merged: Option<Arc<str>>) -> Saved {
    match merged {
        Some(json) => saved.with_stored(&*json),
        None => saved,
    }
}
