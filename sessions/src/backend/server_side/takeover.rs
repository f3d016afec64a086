//! Taking sessions over: the record of a session that another framework kept.
//!
//! It is created when the session is opened, before the handler runs, so that all requests of one page
//! load share it. Then the mark of the legacy token is created, which is the takeover: of several requests
//! the first to do so wins, and the others open its record.

use futures_util::future::LocalBoxFuture;

use super::{
    ServerSide,
    create::{Create, Created, CreatedRecord, NewRecord, is_unwritten},
    open::{Found, LoadState, Origin, has_expired, open_record},
    owner_index::LoggedIn,
    record_parts::{Payload, RecordTime},
    run_to_completion,
    timeouts::ttl,
};
use crate::{
    backend::{
        circuit_breaker::{Deadline, Write},
        log_ids::LogIds,
        takeover::{
            LegacySession, MarkId, Standing, Taken, TakesOver,
            marks::{Mark, Marks},
        },
    },
    error::{OpenError, SaveError},
    events::event,
    interface::OpenContext,
    state::SessionState,
    store::{Epoch, OwnerKey, RecordKey, Store, StoreError, Timestamp},
    token::split::SplitToken,
};

impl<S: Store> TakesOver for ServerSide<S> {
    fn deadline(&self, state: &SessionState) -> Deadline {
        let opened = state.extensions().get::<LoadState>();
        Deadline::after(opened.map_or(self.deadlines.request, |opened| opened.left))
    }

    fn find<'a>(
        &'a self,
        mark: MarkId,
        state: &'a mut SessionState,
        deadline: &'a Deadline,
        cx: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Standing, OpenError>> {
        Box::pin(async move {
            let mark = self.marks(deadline).load(&mark).await?;
            self.open_marked(mark, state, deadline, cx).await
        })
    }

    fn take_over<'a>(
        &'a self,
        mark: MarkId,
        legacy: LegacySession,
        state: &'a mut SessionState,
        deadline: &'a Deadline,
        cx: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Taken, OpenError>> {
        Box::pin(async move {
            let takeover =
                self.takeover_of(mark, &legacy, deadline, cx).map_err(OpenError::from)?;
            // A request that is dropped half-way would leave a record that no mark points to.
            match run_to_completion(takeover.run()).await.map_err(OpenError::from)? {
                TakeoverOutcome::Done(found) => {
                    go_on_with(&self.log_ids, *found, state, deadline, cx);
                    Ok(Taken::ByThisRequest)
                }
                TakeoverOutcome::Refused => Ok(Taken::Not),
                TakeoverOutcome::Slower(mark) => {
                    Ok(match self.open_marked(mark, state, deadline, cx).await? {
                        Standing::TakenOver => Taken::ByAnother,
                        Standing::Legacy | Standing::Nothing => Taken::Not,
                    })
                }
            }
        })
    }

    fn confirm(&self, _: MarkId) -> LocalBoxFuture<'_, Result<bool, SaveError>> {
        unreachable!("its sessions are taken over when they are opened, not adopted")
    }

    fn end(&self, ids: Vec<MarkId>) -> LocalBoxFuture<'_, Result<(), SaveError>> {
        let (backend, deadline) = (self.clone(), Deadline::after(self.deadlines.request).shared());
        Box::pin(run_to_completion(async move {
            for id in &ids {
                backend.marks(&deadline).end(id).await?;
            }
            Ok(())
        }))
    }
}

impl<S: Store> ServerSide<S> {
    fn marks<'m>(&'m self, deadline: &'m Deadline) -> Marks<'m> {
        Marks {
            store: &*self.store,
            breaker: &self.shared.breaker,
            call_deadline: self.deadlines.call,
            deadline,
        }
    }

    /// Opens the session that a mark points to, as with a token in its time of grace: the request sets no
    /// cookie. After a login or a renewal the legacy token is stale, like every other from before.
    async fn open_marked(
        &self,
        mark: Option<Mark>,
        state: &mut SessionState,
        deadline: &Deadline,
        cx: &OpenContext<'_>,
    ) -> Result<Standing, OpenError> {
        let (key, epoch) = match mark {
            None | Some(Mark::Copies) => return Ok(Standing::Legacy),
            Some(Mark::Ended | Mark::UsedUp) => return Ok(Standing::Nothing),
            Some(Mark::Session { key, epoch }) => (key, epoch),
        };
        let loaded = match self.call(deadline, self.store.load(&key, None)).await {
            Ok(Some(loaded)) if !has_expired(&loaded, cx.settings(), cx.now()) => loaded,
            Ok(_) | Err(StoreError::Corrupt { .. }) => return Ok(Standing::Nothing),
            Err(err) => return Err(err.into()),
        };
        // A token that is not the record's.
        let token = SplitToken::random().map_err(OpenError::internal)?;
        let tokens = self.tokens.of(cx.settings(), cx.cookie(), cx.transport());
        let verifier = tokens.verifier_hash(&token);
        let (now, base) = (loaded.now, loaded.into());
        let found = Found { token, verifier, key, base, epoch, by_grace: true, now };
        if found.base.record.epoch == epoch {
            go_on_with(&self.log_ids, found, state, deadline, cx);
        } else {
            attach(Origin::Stale(Box::new(found)), state, deadline, cx);
        }
        Ok(Standing::TakenOver)
    }

    fn takeover_of(
        &self,
        mark: MarkId,
        legacy: &LegacySession,
        deadline: &Deadline,
        cx: &OpenContext<'_>,
    ) -> Result<Takeover<S>, SaveError> {
        let LegacySession { content, since, is_one_clients } = legacy;
        let payload = self.payload(content)?.ok_or(SaveError::Gone)?;
        let token = SplitToken::random().map_err(SaveError::internal)?;
        let tokens = self.tokens.of(cx.settings(), cx.cookie(), cx.transport());
        let (key, verifier) = (tokens.record_key(&token), tokens.verifier_hash(&token));
        let now = RecordTime::at(cx.now());
        let since = since.map(Timestamp::of).unwrap_or_default();
        let new = NewRecord {
            key,
            verifier,
            // Nobody makes sessions of the other framework any more: it is not a visitor's.
            epoch: Epoch::of_new_renewed(&verifier),
            payload,
            now,
            began_secs: legacy.began_secs(now),
            ttl: ttl(cx.settings()),
        };
        let create = Create {
            backend: self.clone(),
            new,
            logged_in: LoggedIn::At(since),
            deadline: deadline.shared(),
            counts: !self.has_cap(),
            place: None,
        };
        Ok(Takeover { token, mark, is_one_clients: *is_one_clients, create })
    }
}

impl LegacySession {
    /// Returns when it began, in seconds since 1970, as far as that is known.
    fn began_secs(&self, now: RecordTime) -> u64 {
        self.since.map_or(now.secs, |since| RecordTime::at(since).secs.min(now.secs))
    }
}

/// A session that is about to get its record and its mark.
struct Takeover<S> {
    token: SplitToken,
    mark: MarkId,
    is_one_clients: bool,
    create: Create<S>,
}

enum TakeoverOutcome {
    Done(Box<Found>),
    /// The sessions of its owner were ended since the login.
    Refused,
    /// Another request made a mark first.
    Slower(Option<Mark>),
}

impl<S: Store> Takeover<S> {
    async fn run(self) -> Result<TakeoverOutcome, SaveError> {
        let Self { token, mark: id, is_one_clients, create } = self;
        let (backend, deadline) = (create.backend.clone(), create.deadline.clone());
        let NewRecord { key, verifier, epoch, payload: Payload { owner, .. }, .. } = &create.new;
        let (key, verifier, epoch, owner) = (*key, *verifier, *epoch, *owner);
        let record = match Box::new(create).run().await? {
            Created::Done(record) => record,
            Created::Exists => return Err(SaveError::internal(IdExists)),
            Created::Refused => {
                backend.note_refused(&id, &deadline).await;
                return Ok(TakeoverOutcome::Refused);
            }
        };
        let marks = backend.marks(&deadline);
        let mark = if is_one_clients { Mark::Session { key, epoch } } else { Mark::Copies };
        let present = match marks.create(&id, mark).await {
            Ok(true) => Some(mark),
            Ok(false) => marks.load(&id).await?,
            Err(err) => {
                // After other failures the mark may be there, and the record is its session.
                if is_unwritten(&err) {
                    backend.give_up(key, owner, &deadline).await;
                }
                return Err(err.into());
            }
        };
        if present != Some(mark) {
            backend.give_up(key, owner, &deadline).await;
            return Ok(TakeoverOutcome::Slower(present));
        }
        let CreatedRecord { mut base, now } = *record;
        if let Some(owner) = owner
            && !backend.count_taken_over(key, owner, &mut base, now, &deadline).await?
        {
            return Ok(TakeoverOutcome::Refused);
        }
        let found = Found { token, verifier, key, base, epoch, by_grace: false, now };
        Ok(TakeoverOutcome::Done(Box::new(found)))
    }
}

impl<S: Store> ServerSide<S> {
    /// Marks the legacy token of a session that has ended with its owner's others, so that later requests
    /// do not ask the index again.
    async fn note_refused(&self, id: &MarkId, deadline: &Deadline) {
        if let Err(err) = self.marks(deadline).create(id, Mark::Ended).await {
            event!(
                StoreLeftover,
                "the legacy token of an ended session is not marked, since the store failed; its next use tries again: {}",
                err.with_causes()
            );
        }
    }

    /// Deletes a record whose token nobody has. One that stays expires.
    async fn give_up(&self, key: RecordKey, owner: Option<OwnerKey>, deadline: &Deadline) {
        match self.write(Write::Delete, deadline, self.store.delete(&key)).await {
            Ok(_) => self.remove_from_index(owner, key, deadline).await,
            Err(err) => {
                event!(
                    StoreLeftover,
                    "a second record of a session that was taken over stays until it expires, since deleting it failed: {}",
                    err.with_causes()
                );
            }
        }
    }
}

/// Makes the session of a record the request's. The client gets the token, unless it has its time of
/// grace.
fn go_on_with(
    ids: &LogIds,
    found: Found,
    state: &mut SessionState,
    deadline: &Deadline,
    cx: &OpenContext<'_>,
) {
    let by_grace = found.by_grace;
    let (opened, origin) = open_record(Box::new(found), false, ids);
    if let Origin::Record(_) = origin {
        state.become_opened(&opened);
        state.keep_changes();
    }
    if !by_grace {
        state.request_refresh();
    }
    attach(origin, state, deadline, cx);
}

fn attach(origin: Origin, state: &mut SessionState, deadline: &Deadline, cx: &OpenContext<'_>) {
    let begun = match state.extensions().get::<LoadState>() {
        Some(opened) => opened.login_time.stopwatch().clone(),
        None => cx.clock.stopwatch(cx.now()),
    };
    let is_taken_over = matches!(&origin, Origin::Record(found) if !found.by_grace);
    let opened = LoadState::new(origin, begun, deadline.left());
    LoadState { is_taken_over, ..opened }.attach_to(state);
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the store claims to have a random id already; check that its `create` answers `Exists` only for a key that it has"
)]
struct IdExists;
