//! Opening: from the cookies of a request to the record that one of them may open.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    ServerSide,
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

/// What saving needs to know of the opening. Attached to the dictionary.
pub(super) struct LoadState {
    pub(super) origin: Origin,
    /// When the request began to use its session, in microseconds since 1970.
    stamp: AtomicU64,
    /// What is left of its time with the store.
    pub(super) left: Duration,
    /// The record that this request created.
    pub(super) created: OnceLock<RecordKey>,
}

impl LoadState {
    fn new(origin: Origin, stamp: Timestamp, left: Duration) -> Self {
        Self { origin, stamp: AtomicU64::new(stamp.get()), left, created: OnceLock::new() }
    }

    fn attached_to(self, mut state: SessionState) -> SessionState {
        state.set_revocable(!matches!(self.origin, Origin::Superseded));
        state.extensions_mut().insert(self);
        state
    }

    /// Returns the moment that a login of this request counts from.
    pub(super) fn stamp(&self) -> Timestamp {
        Timestamp::new(self.stamp.load(Ordering::Acquire))
    }

    /// Has a login of this request count from a later moment: its owner's other sessions were ended
    /// by itself.
    pub(super) fn stamp_again(&self, stamp: Timestamp) {
        self.stamp.store(stamp.get(), Ordering::Release);
    }
}

/// Where a session comes from.
pub(super) enum Origin {
    /// It is new: no token, or none that the store knows.
    New,
    /// It is empty: the token is from before a renewal.
    Superseded,
    /// It is a record that the token opens.
    Record(Box<Found>),
}

/// A record that a token opens.
pub(super) struct Found {
    pub(super) token: SplitToken,
    pub(super) key: RecordKey,
    pub(super) record: Record,
    pub(super) revision: Revision,
    /// The token is from before a renewal, and the grace allows it to read.
    pub(super) via_grace: bool,
}

/// What a token comes to.
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

    /// Notes a request, and stamps it.
    fn begin(&self, cx: &OpenContext<'_>) -> Timestamp {
        self.shared.longest_timeout.note(cx.settings());
        self.shared.clock.request_start(cx.clock, cx.now())
    }

    pub(super) async fn open_session(
        &self,
        cx: &OpenContext<'_>,
    ) -> Result<SessionState, OpenError> {
        let stamp = self.begin(cx);
        let deadline = Deadline::after(self.deadlines.request);
        let mut newest: Option<(Box<Found>, usize)> = None;
        let mut stale = false;
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
                tracing::warn!(target: "sessions", "more than {MAX_LOADS} session cookies; the rest is passed over");
                break;
            }
            asked[loads] = Some(text);
            loads += 1;
            match self.load(token, &deadline, cx).await? {
                TokenCheck::Nothing => {}
                TokenCheck::Superseded => stale = true,
                TokenCheck::Opens(found) => {
                    tokens.count(at);
                    if let Some((previous, _)) = &newest {
                        tracing::warn!(target: "sessions", "two different session cookies verify; the newer is used");
                        if previous.record.renewed_millis >= found.record.renewed_millis {
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
                    log_corrupt("its content is no JSON object");
                    (SessionState::new(), Origin::New)
                }
            },
            None if stale => (SessionState::new(), Origin::Superseded),
            None => (SessionState::new(), Origin::New),
        };
        Ok(LoadState::new(origin, stamp, left).attached_to(state))
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
            // Kept for inspection until its time is over, and never overwritten: the id is new.
            Err(StoreError::Corrupt { problem }) => {
                log_corrupt(problem);
                return Ok(TokenCheck::Nothing);
            }
            Err(err) => return Err(err.into()),
        };
        let is_over = is_over(&loaded, settings, cx.now());
        let touch = touch(settings).filter(|touch| touch.is_due(loaded.expires_in));
        let check = judge(token, key, loaded, cx.now());
        if is_over {
            tracing::info!(target: "sessions", "session cookie refused: the session is over");
        }
        // Whoever has no token of the session writes nothing: neither is its time prolonged, nor is
        // it deleted.
        match (&check, touch) {
            (TokenCheck::Opens(found), _) if is_over => {
                self.delete_later(key, found.record.owner())
            }
            (TokenCheck::Opens(found), Some(touch)) if !found.via_grace => {
                self.touch(found, touch, deadline).await;
            }
            _ => {}
        }
        Ok(if is_over { TokenCheck::Nothing } else { check })
    }

    /// Starts the record's time anew. Where that fails the session is as good as before, and the
    /// next use tries again.
    async fn touch(&self, found: &Found, touch: Touch, deadline: &Deadline) {
        match self.call(deadline, self.store.load(&found.key, Some(touch))).await {
            Ok(Some(Loaded { touched: true, .. })) => {
                if let Some(owner) = found.record.owner() {
                    self.add_to_index_later(owner, found.key, touch.ttl);
                }
            }
            // Another request was faster, or has ended it: saving will see that.
            Ok(_) => {}
            Err(err) => {
                tracing::warn!(target: "sessions", error = &err as &dyn std::error::Error, "a use of a session was not noted; the next one tries again");
            }
        }
    }
}

/// Whether the session has ended, whatever the store says.
fn is_over(loaded: &Loaded, settings: &Settings, now: SystemTime) -> bool {
    loaded.expires_in.is_zero()
        || settings.absolute_timeout().is_some_and(|limit| is_past(&loaded.record, limit, now))
}

fn judge(token: SplitToken, key: RecordKey, loaded: Loaded, now: SystemTime) -> TokenCheck {
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

pub(super) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn log_corrupt(problem: &str) {
    tracing::error!(target: "sessions", problem, "what the store holds is not a session; a new one begins");
}
