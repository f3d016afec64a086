//! Taking the sessions of another framework over: what an import asks of the backend that it wraps.

mod in_cookies;
pub(super) mod marks;

use std::time::{Duration, SystemTime};

use futures_util::future::LocalBoxFuture;
use sessions_policy::CookiePolicy;

use super::circuit_breaker::Deadline;
use crate::{
    error::{OpenError, SaveError},
    interface::OpenContext,
    policy::Settings,
    state::SessionState,
    store::{Purpose, RecordKey, VerifierHash},
};

/// How long the requests of one page load may come with the legacy token after one of them has taken its
/// session over. After that the token is worth nothing.
const PAGE_LOAD: Duration = Duration::from_secs(60);
/// How much longer than the import a mark lives: hosts' clocks differ.
const SLACK: Duration = Duration::from_secs(60 * 60);
/// The longest time for which a store is asked to keep a mark: longer than any import, and in the range of
/// every store's clock.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// What takes sessions over, for a backend that can.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "no user can name it")]
pub struct TakeoverHook<'b>(pub(crate) &'b dyn TakesOver);

/// A backend with a store, where marks tell which legacy tokens were consumed.
pub(crate) trait TakesOver: Send + Sync {
    /// Returns the time that a takeover has with the store, by the request whose session this is.
    fn deadline(&self, state: &SessionState) -> Deadline;

    /// Finds out what a legacy token stands for. Where it opens a session, `state` becomes that one.
    fn find<'a>(
        &'a self,
        mark: MarkId,
        state: &'a mut SessionState,
        deadline: &'a Deadline,
        cx: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Standing, OpenError>>;

    /// Takes a session over, so that `state` becomes it.
    fn take_over<'a>(
        &'a self,
        mark: MarkId,
        legacy: LegacySession,
        state: &'a mut SessionState,
        deadline: &'a Deadline,
        cx: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Taken, OpenError>>;

    /// Marks the legacy token of a session that was adopted, before the response sets its new one. Returns
    /// whether it did: not where the legacy session has been ended.
    fn confirm(&self, mark: MarkId) -> LocalBoxFuture<'_, Result<bool, SaveError>>;

    /// Marks legacy tokens as worth nothing.
    fn end(&self, marks: Vec<MarkId>) -> LocalBoxFuture<'_, Result<(), SaveError>>;
}

/// What a legacy token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A session that may be taken over.
    Legacy,
    /// A session that another request has taken over a moment ago.
    TakenOver,
    Nothing,
}

/// What became of a session that was to be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    ByThisRequest,
    /// Another request was faster, and this one shares its session.
    ByAnother,
    /// The sessions of its owner were ended since the login, or its token is worth nothing any more.
    Not,
}

/// A session of another framework.
pub(crate) struct LegacySession {
    pub(crate) content: SessionState,
    /// When its owner logged in, if that is known.
    pub(crate) since: Option<SystemTime>,
    /// Whether nobody but its client can have the token, so that all requests with the token may share
    /// the session. Otherwise each takes over a copy.
    pub(crate) is_one_clients: bool,
}

/// The mark of one legacy token.
#[derive(Clone, Copy)]
pub(crate) struct MarkId {
    key: RecordKey,
    /// Of no token.
    verifier: VerifierHash,
    /// How long it is to live.
    ttl: Duration,
    now: SystemTime,
}

impl MarkId {
    /// Returns the mark of the legacy token with this hash, in an import that ends at `until`.
    pub(crate) fn of(
        settings: &Settings,
        cookie: &CookiePolicy,
        id: &[u8; 32],
        until: SystemTime,
        now: SystemTime,
    ) -> Self {
        let by_name = || Purpose::Cookie(cookie.name().as_str());
        let purpose = settings.salt().map_or_else(by_name, Purpose::Salt);
        let key = RecordKey::of_takeover(purpose, id);
        let left = until.duration_since(now).unwrap_or_default();
        // Whole seconds, as a record notes them.
        let ttl = Duration::from_secs(left.min(LONGEST).as_secs()) + SLACK;
        Self { key, verifier: VerifierHash::of(purpose, key.as_bytes()), ttl, now }
    }
}
