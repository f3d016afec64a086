//! Beginning a session: a record of its own for what a request has set.

use super::{
    create::{Create, Created, NewRecord, Reserved},
    open::{Found, SavedRecord},
    record_parts::Payload,
    save::Saving,
    timeouts::ttl,
};
use crate::{
    dictionary::ChangeSet,
    error::SaveError,
    events::event,
    interface::{Saved, unix_seconds},
    state::{Adopted, SessionState, SessionStatus},
    store::{Epoch, OwnerKey, Store, VerifierHash},
    token::split::SplitToken,
};

/// How many ids are drawn while the store has each of them already. Random ids do not collide: a
/// store that answers so every time is broken.
const MAX_IDS: usize = 5;

impl<S: Store> Saving<'_, S> {
    /// Takes a place for the login that follows the end of a session, where logins need one.
    pub(super) async fn reserve(&self, found: &Found) -> Result<Option<Reserved>, SaveError> {
        let owner = self.state.owner().filter(|_| self.backend.refuses_logins());
        let Some(owner) = owner.map(|id| self.backend.owner_key(&id)) else { return Ok(None) };
        let token = SplitToken::random().map_err(SaveError::internal)?;
        let login = self.tokens().record_key(&token);
        let place = self.backend.admit(owner, login, Some(found.key), &self.deadline).await?;
        Ok(place.map(|place| Reserved { token, place }))
    }

    /// Begins a session for a login whose record has become another session. Other renewals write
    /// nothing: their rights were those of the session that the record was.
    pub(super) async fn log_in_or_supersede(&self) -> Result<Saved, SaveError> {
        let changes = self.state.changes().filter(|_| self.state.logs_in());
        let fresh = self.fresh(changes.ok_or(SaveError::Superseded)?)?;
        self.begin(&fresh).await
    }

    /// Begins a new session, with what this request itself set, where the one that it renewed has
    /// ended. Rights that belong to an owner are not carried over without a login.
    pub(super) async fn begin_instead(&self, found: &Found) -> Result<Saved, SaveError> {
        let is_owners = found.owner().is_some() && !self.state.logs_in();
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
        changes.apply_to(&mut fresh)?;
        fresh.finalize(|| self.cx.now(), settings.absolute_timeout().is_some());
        Ok(fresh)
    }

    /// Creates the record of a new session.
    pub(super) async fn begin(&self, state: &SessionState) -> Result<Saved, SaveError> {
        self.begin_as(state, None).await
    }

    /// Like [`begin`](Self::begin), with a token that has a place already.
    pub(super) async fn begin_as(
        &self,
        state: &SessionState,
        reserved: Option<Reserved>,
    ) -> Result<Saved, SaveError> {
        let (mut token, mut place) =
            reserved.map(|Reserved { token, place }| (token, place)).unzip();
        let Some(payload) = self.backend.payload(state)? else {
            return Ok(Saved::removed());
        };
        for _ in 0..MAX_IDS {
            let token = match token.take() {
                Some(token) => token,
                None => SplitToken::random().map_err(SaveError::internal)?,
            };
            let create = Box::new(Create {
                backend: self.backend.clone(),
                new: self.new_record(&token, payload.clone()),
                logged_in: self.logged_in(),
                deadline: self.deadline.clone(),
                counts: true,
                place: place.take(),
            });
            let key = create.new.key;
            match create.run().await? {
                Created::Done(created) => {
                    let epoch = created.base.record.epoch;
                    return Ok(self.created(&token, SavedRecord { key, epoch }, payload.owner));
                }
                Created::Refused => return Err(SaveError::Gone),
                Created::Exists => {
                    // All further tries share the time.
                    self.deadline.begin();
                    event!(
                        StoreIdTaken,
                        "the session store has a random id already, which should not happen; another id is drawn"
                    );
                }
            }
        }
        Err(SaveError::internal(IdsExhausted))
    }

    /// Returns the record that this token is to open.
    pub(super) fn new_record(&self, token: &SplitToken, payload: Payload) -> NewRecord {
        let tokens = self.tokens();
        let (key, verifier) = (tokens.record_key(token), tokens.verifier_hash(token));
        let now = self.now();
        NewRecord {
            key,
            verifier,
            epoch: self.new_epoch(&verifier),
            payload,
            now,
            began_secs: self.began_secs(now.secs),
            ttl: ttl(self.cx.settings()),
        }
    }

    /// Notes and tells that the session has a record.
    pub(super) fn created(
        &self,
        token: &SplitToken,
        saved: SavedRecord,
        owner: Option<OwnerKey>,
    ) -> Saved {
        if let Some(opened) = self.opened {
            opened.saved.get_or_init(|| saved);
        }
        event!(
            SessionCreated,
            session = self.backend.log_ids.session(&saved.key),
            owner = owner.as_ref().and_then(|owner| self.backend.log_ids.owner(owner)),
            "session created"
        );
        self.token(token)
    }

    /// The epoch of a new record: that of an anonymous session, unless the request renewed it or took it
    /// over.
    fn new_epoch(&self, verifier: &VerifierHash) -> Epoch {
        let is_renewed = self.cx.session_status() == SessionStatus::Renewed;
        if is_renewed || self.state.logs_in() || self.state.adopted().is_some() {
            Epoch::of_new_renewed(verifier)
        } else {
            Epoch::of_new(verifier)
        }
    }

    /// Returns when the session of a new record began, in seconds since 1970, as `now` is.
    fn began_secs(&self, now: u64) -> u64 {
        let adopted = self.state.adopted().filter(|_| !self.state.logs_in());
        let since = adopted.and_then(|Adopted { since }| since);
        since.map_or(now, |since| unix_seconds(since).min(now))
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the store claims to have {MAX_IDS} random ids already; check that its `create` answers `Exists` only for a key that it has"
)]
struct IdsExhausted;
