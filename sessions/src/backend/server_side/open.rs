//! Opening: from the cookies of a request to the record that one of them opens.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use smallvec::SmallVec;

use super::{
    ServerSide,
    candidates::{Candidate, Candidates, LOADS_AT_A_TIME, candidates},
    timeouts::{is_past, is_unused_for_long, touch},
    token::PurposeTokens,
    turn::turn,
    write::Base,
};
use crate::{
    backend::{
        circuit_breaker::Deadline, log_ids::LogIds, login_time::LoginTime,
        refused_tokens::RefusedTokens,
    },
    clock::{Clock, Stopwatch},
    error::OpenError,
    events::event,
    interface::OpenContext,
    policy::{Settings, is_first},
    state::SessionState,
    store::{
        Epoch, Loaded, OwnerKey, RecordKey, Standing, Store, StoreError, Timestamp, Touch,
        VerifierHash,
    },
    token::split::SplitToken,
};

/// What saving needs to know of the opening: an extension of the session's state.
pub(super) struct LoadState {
    pub(super) origin: Origin,
    /// What the other tokens of the request open: a purge ends it as well.
    pub(super) others: Vec<Found>,
    pub(super) login_time: LoginTime,
    /// What is left of the request's time with the store.
    pub(super) left: Duration,
    /// The record as this request saved it, where it is another one or has another epoch.
    pub(super) saved: OnceLock<SavedRecord>,
    /// The request has created the record, for a session of another framework.
    pub(super) is_taken_over: bool,
}

/// A record that its request has saved.
#[derive(Clone, Copy)]
pub(super) struct SavedRecord {
    pub(super) key: RecordKey,
    pub(super) epoch: Epoch,
}

impl LoadState {
    pub(super) fn new(origin: Origin, begun: Stopwatch, left: Duration) -> Self {
        let (login_time, saved) = (LoginTime::began(begun), OnceLock::new());
        Self { origin, others: Vec::new(), login_time, left, saved, is_taken_over: false }
    }

    pub(super) fn attached_to(self, mut state: SessionState) -> SessionState {
        self.attach_to(&mut state);
        state
    }

    pub(super) fn attach_to(self, state: &mut SessionState) {
        state.set_revocable(match &self.origin {
            Origin::New => true,
            Origin::Record(found) | Origin::Stale(found) => found.may_purge(),
        });
        state.extensions_mut().insert(self);
    }

    /// Returns the record that the request's session has, as far as the request knows.
    pub(super) fn current(&self) -> Option<SavedRecord> {
        self.saved.get().copied().or(match &self.origin {
            Origin::Record(found) => Some(SavedRecord { key: found.key, epoch: found.epoch }),
            Origin::New | Origin::Stale(_) => None,
        })
    }
}

/// Where a session comes from.
pub(super) enum Origin {
    /// It is new: there was no token, or none that the store knows.
    New,
    /// It is empty: the token was replaced within the last minute.
    Stale(Box<Found>),
    /// The token opens a record.
    Record(Box<Found>),
}

/// A record that a token finds.
pub(super) struct Found {
    pub(super) token: SplitToken,
    pub(super) verifier: VerifierHash,
    pub(super) key: RecordKey,
    pub(super) base: Base,
    /// The rights that the token stands for.
    pub(super) epoch: Epoch,
    /// The token was replaced by a rotation, and has its time of grace.
    pub(super) by_grace: bool,
    /// The store's time when it loaded the record.
    pub(super) now: Timestamp,
}

impl Found {
    pub(super) fn owner(&self) -> Option<OwnerKey> {
        self.base.record.owner()
    }

    /// Of two tokens that open a session the greater one counts: that of the newer session, and of one
    /// session the token that is not replaced.
    fn precedence(&self) -> (u64, bool) {
        (self.base.record.renewed_millis, !self.by_grace)
    }

    /// Whether no client has logged in since the client got its token.
    pub(super) fn may_purge(&self) -> bool {
        self.epoch.has_login_of(self.base.record.epoch)
    }
}

/// The result of checking a token.
pub(super) enum TokenCheck {
    Opens(Box<Found>),
    /// It opens the session, whose use is to be noted first.
    Due(Box<Found>, Touch),
    Stale(Box<Found>),
    Nothing,
}

impl<S: Store> ServerSide<S> {
    /// Returns the session of a request that came without a cookie.
    pub(super) fn new_session(&self, cx: &OpenContext<'_>) -> SessionState {
        let begun = self.begin(cx);
        let opened = LoadState::new(Origin::New, begun, self.deadlines.request);
        let mut state = SessionState::new();
        self.limit(&mut state, cx.settings());
        opened.attached_to(state)
    }

    /// Notes the settings of a request, and starts to measure its time.
    pub(super) fn begin(&self, cx: &OpenContext<'_>) -> Stopwatch {
        if !cx.clock.is_system() {
            self.follow(cx.clock);
        }
        self.shared.longest_timeout.note(cx.settings());
        cx.clock.stopwatch(cx.now())
    }

    /// Lets the store follow a test's clock, or warns that it does not.
    fn follow(&self, clock: &Clock) {
        if !self.store.follow(clock) && is_first::<S>("clock") {
            event!(
                ConfigWarned,
                store = std::any::type_name::<S>(),
                "the middleware has a clock of its own, and the store does not follow it: sessions expire \
                 unused by the store's time, whatever a test's clock says; use a `MemoryStore` in this \
                 test, or implement `Store::follow`"
            );
        }
    }

    pub(super) async fn open_session(
        &self,
        cx: &OpenContext<'_>,
    ) -> Result<SessionState, OpenError> {
        let begun = self.begin(cx);
        let deadline = Deadline::after(self.deadlines.request);
        let mut newest: Option<(Box<Found>, usize)> = None;
        let mut opened_by = SmallVec::<[usize; 1]>::new();
        let mut others = Vec::new();
        let mut stale = None;
        let mut refused = RefusedTokens::of(cx.transport());
        let tokens = self.tokens.of(cx.settings(), cx.cookie(), cx.transport());
        let mut candidates = candidates(cx, &tokens, &mut refused).into_iter();
        loop {
            let next: Candidates = candidates.by_ref().take(LOADS_AT_A_TIME).collect();
            if next.is_empty() {
                break;
            }
            let loaded = self.load_all(&next, &deadline).await;
            for (candidate, loaded) in next.into_iter().zip(loaded) {
                let at = candidate.at;
                let check = match self.check(candidate, loaded, &tokens, &mut refused, cx)? {
                    // Boxed, since it is rare and long.
                    TokenCheck::Due(found, touch) => {
                        Box::pin(self.touch(found, touch, &deadline)).await
                    }
                    check => check,
                };
                match check {
                    TokenCheck::Nothing => {}
                    TokenCheck::Stale(found) => stale = Some(found),
                    TokenCheck::Opens(found) | TokenCheck::Due(found, _) => {
                        opened_by.push(at);
                        let Some((other, _)) = &newest else {
                            newest = Some((found, at));
                            continue;
                        };
                        event!(
                            SessionAmbiguous,
                            "two different session cookies verify; the newer is used"
                        );
                        if other.precedence() >= found.precedence() {
                            others.push(*found);
                        } else if let Some((older, _)) = newest.replace((found, at)) {
                            others.push(*older);
                        }
                    }
                }
            }
        }
        let left = deadline.left();
        let (mut state, origin) = match (newest, stale) {
            (Some((found, at)), _) => {
                let _turn = turn(found.base.record.payload_len()).await;
                opened_by.iter().for_each(|&at| tokens.count(at));
                open_record(found, cx.is_use() && tokens.is_fallback(at), &self.log_ids)
            }
            (None, Some(stale)) => (SessionState::new(), Origin::Stale(stale)),
            (None, None) => (SessionState::new(), Origin::New),
        };
        self.limit(&mut state, cx.settings());
        Ok(LoadState { others, ..LoadState::new(origin, begun, left) }.attached_to(state))
    }

    /// Returns what the token of a candidate opens, given the answer of the store.
    pub(super) fn check(
        &self,
        candidate: Candidate,
        loaded: Result<Option<Loaded>, StoreError>,
        tokens: &PurposeTokens<'_>,
        refused: &mut RefusedTokens,
        cx: &OpenContext<'_>,
    ) -> Result<TokenCheck, OpenError> {
        let settings = cx.settings();
        let Candidate { token, key, .. } = candidate;
        let loaded = match loaded {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                let session = || self.log_ids.session(&key);
                refused.tell("unknown", "the store does not know the session", session);
                return Ok(TokenCheck::Nothing);
            }
            // It stays for inspection until it expires, and is never overwritten: the next id is new.
            Err(StoreError::Corrupt { problem }) => {
                log_corrupt(problem, &self.log_ids, &key);
                return Ok(TokenCheck::Nothing);
            }
            Err(err) => return Err(err.into()),
        };
        let (has_expired, expires_in) =
            (has_expired(&loaded, settings, cx.now()), loaded.expires_in);
        let verifier = tokens.verifier_hash(&token);
        let grace = settings.rotate_grace();
        let found = match self.check_token(token, verifier, key, loaded, grace, refused) {
            // A client without a token of the session neither prolongs it nor deletes it.
            other @ (TokenCheck::Nothing | TokenCheck::Stale(_)) if !has_expired => {
                return Ok(other);
            }
            TokenCheck::Opens(found) => found,
            _ => return Ok(TokenCheck::Nothing),
        };
        if has_expired {
            let session = || self.log_ids.session(&key);
            refused.tell("expired", "the session has expired", session);
            self.delete_later(key, found.base.revision, found.owner());
            return Ok(TokenCheck::Nothing);
        }
        let due = touch(settings, &found.base.record)
            .filter(|touch| cx.is_use() && touch.is_due(expires_in));
        Ok(match due {
            Some(touch) if !found.by_grace => TokenCheck::Due(found, touch),
            _ => TokenCheck::Opens(found),
        })
    }

    fn check_token(
        &self,
        token: SplitToken,
        verifier: VerifierHash,
        key: RecordKey,
        loaded: Loaded,
        grace: Duration,
        refused: &mut RefusedTokens,
    ) -> TokenCheck {
        let (now, standing) = (loaded.now, loaded.record.standing(&verifier, loaded.now, grace));
        let base = loaded.into();
        let found =
            |epoch, by_grace| Box::new(Found { token, verifier, key, base, epoch, by_grace, now });
        let session = || self.log_ids.session(&key);
        match standing {
            Standing::Current(epoch) => TokenCheck::Opens(found(epoch, false)),
            Standing::Grace(epoch) => TokenCheck::Opens(found(epoch, true)),
            Standing::Stale(epoch) => {
                let text = "it is from before the session got another one";
                refused.tell("replaced", text, session);
                TokenCheck::Stale(found(epoch, false))
            }
            Standing::Unknown => {
                refused.tell("verifier", "the session does not know the token", session);
                TokenCheck::Nothing
            }
        }
    }
}

/// Returns the session of a record. A token under a fallback key is to be replaced.
pub(super) fn open_record(
    found: Box<Found>,
    by_fallback: bool,
    ids: &LogIds,
) -> (SessionState, Origin) {
    match SessionState::from_shared(Arc::clone(&found.base.record.payload)) {
        Ok(mut state) => {
            if by_fallback {
                state.request_refresh();
            }
            state.keep_changes();
            (state, Origin::Record(found))
        }
        Err(_) => {
            log_corrupt("its content is not a JSON object", ids, &found.key);
            (SessionState::new(), Origin::New)
        }
    }
}

/// Whether the session has expired, even if the store still has it.
pub(super) fn has_expired(loaded: &Loaded, settings: &Settings, now: SystemTime) -> bool {
    loaded.expires_in.is_zero()
        || is_unused_for_long(settings, loaded)
        || is_past(settings, &loaded.record, now)
}

fn log_corrupt(problem: &str, ids: &LogIds, key: &RecordKey) {
    event!(
        StoreUnreadable,
        reason = "session",
        problem,
        session = ids.session(key),
        "a record in the session store cannot be read; its client gets a new session, and the record stays until it expires"
    );
}
