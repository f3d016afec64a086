//! Opening: from the cookies of a request to the record that one of them opens.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::{
    ServerSide,
    record_parts::unix_millis,
    timeouts::{is_past, touch},
};
use crate::{
    backend::circuit_breaker::Deadline,
    error::OpenError,
    interface::OpenContext,
    policy::Settings,
    state::SessionState,
    store::{Loaded, Record, RecordKey, Revision, Store, StoreError, Timestamp, Touch},
    token::split::SplitToken,
};

/// How many tokens of one request reach the store.
const MAX_LOADS: usize = 4;

/// What saving needs to know of the opening: an extension of the session's state.
pub(super) struct LoadState {
    pub(super) origin: Origin,
    /// When the request began to use its session, in microseconds since 1970.
    start: AtomicU64,
    /// What is left of the request's time with the store.
    pub(super) left: Duration,
    /// The record that this request created.
    pub(super) created: OnceLock<RecordKey>,
}

impl LoadState {
    fn new(origin: Origin, start: Timestamp, left: Duration) -> Self {
        Self { origin, start: AtomicU64::new(start.get()), left, created: OnceLock::new() }
    }

    fn attached_to(self, mut state: SessionState) -> SessionState {
        state.set_revocable(!matches!(self.origin, Origin::Superseded));
        state.extensions_mut().insert(self);
        state
    }

    /// Returns the time that a login of this request is dated to.
    pub(super) fn login_time(&self) -> Timestamp {
        Timestamp::new(self.start.load(Ordering::Acquire))
    }

    /// Dates a login of this request to a later time: the request itself has ended its owner's other
    /// sessions.
    pub(super) fn set_login_time(&self, time: Timestamp) {
        self.start.store(time.get(), Ordering::Release);
    }
}

/// Where a session comes from.
pub(super) enum Origin {
    /// It is new: there was no token, or none that the store knows.
    New,
    /// It is empty: the token is from before a renewal.
    Superseded,
    /// The token opens a record.
    Record(Box<Found>),
}

/// A record that a token opens.
pub(super) struct Found {
    pub(super) token: SplitToken,
    pub(super) key: RecordKey,
    pub(super) record: Record,
    pub(super) revision: Revision,
    /// The token is from before a renewal, and may read for its time of grace.
    pub(super) via_grace: bool,
}

/// The result of checking a token.
enum TokenCheck {
    Opens(Box<Found>),
    Superseded,
    Nothing,
}

impl<S: Store> ServerSide<S> {
    /// Returns the session of a request that came without a cookie.
    pub(super) fn new_session(&self, cx: &OpenContext<'_>) -> SessionState {
        let opened = LoadState::new(Origin::New, self.begin(cx), self.deadlines.request);
        opened.attached_to(SessionState::new())
    }

    /// Notes the settings of a request, and returns when it began.
    fn begin(&self, cx: &OpenContext<'_>) -> Timestamp {
        self.shared.longest_timeout.note(cx.settings());
        self.shared.clock.request_start(cx.clock, cx.now())
    }

    pub(super) async fn open_session(
        &self,
        cx: &OpenContext<'_>,
    ) -> Result<SessionState, OpenError> {
        let start = self.begin(cx);
        let deadline = Deadline::after(self.deadlines.request);
        let mut newest: Option<(Box<Found>, usize)> = None;
        let mut superseded = false;
        let mut asked = [None; MAX_LOADS];
        let mut loads = 0;
        let tokens = self.tokens.of_cookie(cx.settings(), cx.cookie().name().as_str());
        for text in cx.cookies().iter() {
            let (token, at) = match tokens.read(text) {
                Ok(read) => read,
                Err(rejected) => {
                    tracing::info!(target: "sessions", reason = %rejected, "session cookie refused");
                    continue;
                }
            };
            if asked.contains(&Some(text)) {
                continue;
            }
            if loads == MAX_LOADS {
                tracing::warn!(target: "sessions", "a request has more than {MAX_LOADS} session cookies; the others are ignored");
                break;
            }
            asked[loads] = Some(text);
            loads += 1;
            match self.load(token, &deadline, cx).await? {
                TokenCheck::Nothing => {}
                TokenCheck::Superseded => superseded = true,
                TokenCheck::Opens(found) => {
                    tokens.count(at);
                    if let Some((other, _)) = &newest {
                        tracing::warn!(target: "sessions", "two different session cookies verify; the newer is used");
                        if other.record.renewed_millis >= found.record.renewed_millis {
                            continue;
                        }
                    }
                    newest = Some((found, at));
                }
            }
        }
        let left = deadline.left();
        let (state, origin) = match newest {
            Some((found, at)) => match SessionState::from_shared(Arc::clone(&found.record.payload))
            {
                Ok(mut state) => {
                    if at > 0 {
                        // Under a fallback key.
                        state.request_refresh();
                    }
                    state.keep_changes();
                    (state, Origin::Record(found))
                }
                Err(_) => {
                    log_corrupt("its content is not a JSON object");
                    (SessionState::new(), Origin::New)
                }
            },
            None if superseded => (SessionState::new(), Origin::Superseded),
            None => (SessionState::new(), Origin::New),
        };
        Ok(LoadState::new(origin, start, left).attached_to(state))
    }

    async fn load(
        &self,
        token: SplitToken,
        deadline: &Deadline,
        cx: &OpenContext<'_>,
    ) -> Result<TokenCheck, OpenError> {
        let settings = cx.settings();
        let key = token.record_key();
        let loaded = match self.call(deadline, self.store.load(&key, None)).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                tracing::info!(target: "sessions", "session cookie refused: the store does not know the session");
                return Ok(TokenCheck::Nothing);
            }
            // It stays for inspection until it expires, and is never overwritten: the next id is new.
            Err(StoreError::Corrupt { problem }) => {
                log_corrupt(problem);
                return Ok(TokenCheck::Nothing);
            }
            Err(err) => return Err(err.into()),
        };
        let has_expired = has_expired(&loaded, settings, cx.now());
        let touch = touch(settings).filter(|touch| touch.is_due(loaded.expires_in));
        let check = check_token(token, key, loaded, cx.now());
        if has_expired {
            tracing::info!(target: "sessions", "session cookie refused: the session has expired");
        }
        // A client without a token of the session writes nothing: it neither prolongs the session nor
        // deletes it.
        match (&check, touch) {
            (TokenCheck::Opens(found), _) if has_expired => {
                self.delete_later(key, found.record.owner());
            }
            (TokenCheck::Opens(found), Some(touch)) if !found.via_grace => {
                self.touch(found, touch, deadline).await;
            }
            _ => {}
        }
        Ok(if has_expired { TokenCheck::Nothing } else { check })
    }

    /// Starts the record's time again. Where that fails the session is not affected, and the next use
    /// tries again.
    async fn touch(&self, found: &Found, touch: Touch, deadline: &Deadline) {
        match self.call(deadline, self.store.load(&found.key, Some(touch))).await {
            Ok(Some(Loaded { touched: true, .. })) => {
                if let Some(owner) = found.record.owner() {
                    self.add_to_index_later(owner, found.key, touch.ttl);
                }
            }
            // Another request was faster, or has ended the session: saving will see that.
            Ok(_) => {}
            Err(err) => {
                tracing::warn!(target: "sessions", error = &err as &dyn std::error::Error, "a session was not prolonged, since the store failed; its next use tries again");
            }
        }
    }
}

/// Whether the session has expired, even if the store still has it.
fn has_expired(loaded: &Loaded, settings: &Settings, now: SystemTime) -> bool {
    loaded.expires_in.is_zero()
        || settings.absolute_timeout().is_some_and(|limit| is_past(&loaded.record, limit, now))
}

fn check_token(token: SplitToken, key: RecordKey, loaded: Loaded, now: SystemTime) -> TokenCheck {
    let Loaded { record, revision, .. } = loaded;
    let verifier = token.verifier_hash();
    let is_current = record.verifier == verifier;
    let via_grace = !is_current
        && record.previous.as_ref().is_some_and(|previous| {
            previous.verifier == verifier && unix_millis(now) < previous.until_millis
        });
    if is_current || via_grace {
        return TokenCheck::Opens(Box::new(Found { token, key, record, revision, via_grace }));
    }
    tracing::info!(target: "sessions", "session cookie refused: it is from before the session was renewed");
    TokenCheck::Superseded
}

fn log_corrupt(problem: &str) {
    tracing::error!(target: "sessions", problem, "a record in the session store cannot be read; its client gets a new session, and the record stays until it expires");
}
