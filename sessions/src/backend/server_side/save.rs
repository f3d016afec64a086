//! Saving: from what a request did, and where its session came from, to the calls of the store.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    ServerSide,
    create::{Create, Created},
    open::{Found, LoadState, Origin},
    record_parts::{Login, Payload, RecordTime},
    timeouts::ttl,
    write::{Base, ConditionalWrite, Renewal, WriteOutcome},
};
use crate::{
    backend::circuit_breaker::Deadline,
    dictionary::ChangeSet,
    error::SaveError,
    interface::{SaveContext, Saved, unix_seconds},
    state::{Adopted, SessionState, SessionStatus},
    store::{Store, Timestamp},
    token::split::SplitToken,
};

/// How many ids are drawn while the store has each of them already. Random ids do not collide: a
/// store that answers so every time is broken.
const MAX_IDS: usize = 5;

/// One request's session on its way to the store.
struct Saving<'s, S> {
    backend: &'s ServerSide<S>,
    state: &'s SessionState,
    cx: &'s SaveContext<'s>,
    start: Timestamp,
    deadline: Deadline,
}

impl<S: Store> ServerSide<S> {
    pub(super) async fn save_session(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let opened = state.extensions().get::<LoadState>();
        let saving = Saving {
            backend: self,
            state,
            cx,
            start: opened.map_or_else(|| self.shared.clock.now(), LoadState::login_time),
            deadline: Deadline::after(opened.map_or(self.deadlines.request, |opened| opened.left)),
        };
        match opened.map_or(&Origin::New, |opened| &opened.origin) {
            Origin::New => saving.begin(state).await,
            Origin::Superseded => Box::pin(saving.save_superseded()).await,
            Origin::Record(found) => saving.save_found(found).await,
        }
    }
}

impl<S: Store> Saving<'_, S> {
    async fn save_found(&self, found: &Found) -> Result<Saved, SaveError> {
        match self.cx.session_status() {
            SessionStatus::Unchanged if found.via_grace => Ok(Saved::unchanged()),
            SessionStatus::Unchanged => Ok(self.refresh(found).await),
            SessionStatus::Changed if found.via_grace => Err(SaveError::Superseded),
            SessionStatus::Changed => self.change(found).await,
            SessionStatus::Renewed | SessionStatus::Rotated if found.via_grace => {
                Box::pin(self.save_superseded()).await
            }
            SessionStatus::Renewed | SessionStatus::Rotated => self.renew(found).await,
            SessionStatus::Purged => {
                self.backend.end_record(found.key, found.record.owner(), &self.deadline).await?;
                self.begin(self.state).await
            }
        }
    }

    /// Sends the token again, if it still opens the session: another request may have renewed or
    /// purged it meanwhile.
    async fn refresh(&self, found: &Found) -> Saved {
        let load = self.backend.store.load(&found.key, None);
        match self.backend.call(&self.deadline, load).await {
            Ok(Some(loaded)) if loaded.record.verifier == found.record.verifier => {
                self.token(&found.token)
            }
            Ok(_) => Saved::unchanged(),
            Err(err) => {
                tracing::warn!(target: "sessions", error = &err as &dyn std::error::Error, "a session cookie was not refreshed, since the store failed; the next request tries again");
                Saved::unchanged()
            }
        }
    }

    /// Saves a session that was opened with a token from before a renewal. The browser may have the
    /// new token by now, so that only a login sets a cookie.
    async fn save_superseded(&self) -> Result<Saved, SaveError> {
        let changes = self.state.changes();
        match self.cx.session_status() {
            SessionStatus::Unchanged => Ok(Saved::unchanged()),
            SessionStatus::Purged if self.state.logs_in() => self.begin(self.state).await,
            SessionStatus::Renewed | SessionStatus::Rotated => match changes {
                // The content of the record does not come along with the previous token.
                Some(_) if !self.state.logs_in() => Err(SaveError::Superseded),
                Some(changes) => {
                    let fresh = self.fresh(changes)?;
                    self.begin(&fresh).await
                }
                None if self.state.is_empty() => Ok(Saved::unchanged()),
                None => self.begin(self.state).await,
            },
            SessionStatus::Changed | SessionStatus::Purged => Err(SaveError::Superseded),
        }
    }

    async fn change(&self, found: &Found) -> Result<Saved, SaveError> {
        match self.write(found, None).await? {
            WriteOutcome::Kept { token_holds, merged } => {
                Ok(self.kept(token_holds.then_some(&found.token), merged))
            }
            WriteOutcome::Deleted => Ok(Saved::removed()),
            // The request emptied it.
            WriteOutcome::Gone if self.state.is_empty() => Ok(Saved::removed()),
            WriteOutcome::Gone => Err(SaveError::Gone),
        }
    }

    async fn renew(&self, found: &Found) -> Result<Saved, SaveError> {
        let token = found.token.renewed().map_err(SaveError::internal)?;
        // A session that begins instead shares the time.
        self.deadline.begin();
        match self.write(found, Some(&token)).await? {
            WriteOutcome::Kept { token_holds, merged } => {
                if token_holds {
                    tracing::debug!(target: "sessions", "session renewed");
                }
                Ok(self.kept(token_holds.then_some(&token), merged))
            }
            WriteOutcome::Deleted => Ok(Saved::removed()),
            WriteOutcome::Gone => Box::pin(self.begin_instead(found)).await,
        }
    }

    /// Begins a new session, with what this request itself set, where the one that it renewed has
    /// ended. Rights that belong to an owner are not carried over without a login.
    async fn begin_instead(&self, found: &Found) -> Result<Saved, SaveError> {
        let is_owners = found.record.owner.is_some() && !self.state.logs_in();
        let changes = self.state.changes().filter(|_| !is_owners);
        let fresh = self.fresh(changes.ok_or(SaveError::Gone)?)?;
        if fresh.is_empty() {
            return Err(SaveError::Gone);
        }
        self.begin(&fresh).await
    }

    /// Returns a new session that holds what this request itself set.
    fn fresh(&self, changes: &ChangeSet) -> Result<SessionState, SaveError> {
        let mut fresh = SessionState::new();
        let settings = self.cx.settings();
        fresh.start_permanent(settings.permanent());
        changes.apply_to(&mut fresh).map_err(SaveError::internal)?;
        fresh.finalize(|| self.cx.now(), settings.absolute_timeout().is_some());
        Ok(fresh)
    }

    /// Creates the record of a new session.
    async fn begin(&self, state: &SessionState) -> Result<Saved, SaveError> {
        let Some(payload) = self.payload(state)? else {
            return Ok(Saved::removed());
        };
        for _ in 0..MAX_IDS {
            let token = SplitToken::random().map_err(SaveError::internal)?;
            let key = token.record_key();
            let create = Box::new(Create {
                backend: self.backend.clone(),
                key,
                verifier: token.verifier_hash(),
                payload: payload.clone(),
                login: self.login(&payload),
                now: self.now(),
                began_secs: self.began_secs(),
                ttl: ttl(self.cx.settings()),
                deadline: self.deadline.clone(),
            });
            match create.run().await? {
                Created::Done => {
                    tracing::debug!(target: "sessions", "session created");
                    if let Some(opened) = self.state.extensions().get::<LoadState>() {
                        opened.created.get_or_init(|| key);
                    }
                    return Ok(self.token(&token));
                }
                Created::Refused => return Err(SaveError::Gone),
                Created::Exists => {
                    // All further tries share the time.
                    self.deadline.begin();
                    tracing::warn!(target: "sessions", "the session store has a random id already, which should not happen; another id is drawn");
                }
            }
        }
        Err(SaveError::internal(IdsExhausted))
    }

    async fn write(
        &self,
        found: &Found,
        renewed: Option<&SplitToken>,
    ) -> Result<WriteOutcome, SaveError> {
        let settings = self.cx.settings();
        let payload = self.payload(self.state)?;
        let login = payload.as_ref().filter(|_| self.state.logs_in());
        let write = Box::new(ConditionalWrite {
            backend: self.backend.clone(),
            key: found.key,
            base: Base { record: found.record.clone(), revision: found.revision, expires_in: None },
            revision: found.revision,
            changes: self.state.changes().cloned().unwrap_or_default(),
            opened_with: found.record.verifier,
            renewal: renewed.map(|token| Renewal {
                verifier: token.verifier_hash(),
                grace: match self.cx.session_status() {
                    SessionStatus::Rotated => settings.rotate_grace(),
                    _ => Duration::ZERO,
                },
            }),
            login: login.and_then(|payload| self.login(payload)),
            payload,
            now: self.now(),
            ttl: ttl(settings),
            deadline: self.deadline.clone(),
            rebased: false,
        });
        write.run().await
    }

    fn payload(&self, state: &SessionState) -> Result<Option<Payload>, SaveError> {
        Payload::of(state, self.backend.max_payload)
    }

    /// Returns the login that makes a record its owner's.
    fn login(&self, payload: &Payload) -> Option<Login> {
        let since = match self.state.adopted() {
            // At an unknown time: before anything ended the owner's sessions.
            Some(Adopted { since }) if !self.state.logs_in() => {
                Timestamp::of(since.unwrap_or(UNIX_EPOCH))
            }
            _ => self.start,
        };
        payload.owner.map(|owner| Login { owner, since })
    }

    /// Returns when the session of a new record began, in seconds since 1970.
    fn began_secs(&self) -> u64 {
        let now = self.now().secs;
        let adopted = self.state.adopted().filter(|_| !self.state.logs_in());
        let since = adopted.and_then(|Adopted { since }| since);
        since.map_or(now, |since| unix_seconds(since).min(now))
    }

    fn now(&self) -> RecordTime {
        RecordTime::at(self.cx.now())
    }

    /// Returns the result for a record that is kept, with the changes of other requests where they are
    /// `merged`.
    fn kept(&self, token: Option<&SplitToken>, merged: Option<Arc<str>>) -> Saved {
        let saved = token.map_or_else(Saved::unchanged, |token| self.token(token));
        match merged {
            Some(json) => saved.with_stored(&*json),
            None => saved,
        }
    }

    fn token(&self, token: &SplitToken) -> Saved {
        let tokens =
            self.backend.tokens.of_cookie(self.cx.settings(), self.cx.cookie().name().as_str());
        Saved::token(tokens.write(token))
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the store claims to have {MAX_IDS} random ids already; check that its `create` answers `Exists` only for a key that it has"
)]
struct IdsExhausted;
