//! Sessions that live in their cookie, with any codec.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sessions_policy::MAX_NAME_VALUE;

use super::codec::{CookieCodec, Plaintext};
use crate::{
    backend::{
        OwnerError, log_ids::LogIds, login_time::LoginTime, refused_tokens::RefusedTokens,
        revocation::Revocation,
    },
    error::{ConfigError, OpenError, SaveError},
    events::event,
    interface::{
        AliveContext, CheckContext, CookieChange, IsAlive, OpenContext, SaveContext, Saved, known,
        unix_seconds,
    },
    key::{KeyBytes, SharedKeys},
    policy::{BackendTraits, SessionLimits, Settings},
    state::{CookiesSeen, OwnKeys, SessionState, SessionStatus, seal_member},
    store::{OwnerKey, Timestamp},
    token::{
        derived_keys::{DerivedKeyCache, FoundKeys, Salt, SaltKeys},
        order::SealOrder,
        signed::{Rejected, check_age},
    },
};

/// How far in the future a token may be sealed: clocks of hosts differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// The part of a backend that all codecs share.
pub(crate) struct CookieSessions<C: CookieCodec> {
    keys: SharedKeys,
    codec: C,
    derived: Arc<DerivedKeyCache<C::Key>>,
    revocation: Option<Revocation>,
}

struct OpenedToken {
    sealed: SealOrder,
    state: SessionState,
    /// Its session has reached a limit of its own. It opens nothing, and neither does an older token, whose
    /// session may have longer ones.
    has_expired: bool,
}

impl OpenedToken {
    /// Whether this is the empty session of a logout. No other token is empty: a session without keys
    /// is not saved.
    fn is_ending(&self) -> bool {
        self.state.is_empty()
    }

    /// Whether this is the newer of two. Of equal ones an ending wins, else the later in the header,
    /// which the browser got later if both have one path (RFC 6265, 5.4).
    fn is_newer_than(&self, other: &Self) -> bool {
        (self.sealed, self.is_ending()) >= (other.sealed, other.is_ending())
    }
}

impl<C: CookieCodec> CookieSessions<C> {
    pub(crate) fn new(keys: SharedKeys, codec: C) -> Self {
        Self { keys, codec, derived: Arc::default(), revocation: None }
    }

    pub(crate) fn with_codec(self, codec: C) -> Self {
        Self { codec, derived: Arc::default(), ..self }
    }

    pub(crate) fn revocable(self, revocation: Revocation) -> Self {
        let revocation = revocation.with_log_keys(self.keys.clone());
        Self { revocation: Some(revocation), ..self }
    }

    /// Returns the revocation, if sessions can be ended.
    pub(crate) fn revocation(&self) -> Result<&Revocation, OwnerError> {
        self.revocation.as_ref().ok_or(OwnerError::Unsupported)
    }

    pub(crate) fn keys(&self) -> &SharedKeys {
        &self.keys
    }

    pub(super) fn codec(&self) -> &C {
        &self.codec
    }

    /// Checks the backend of this name before there is any request.
    pub(crate) fn check(
        &self,
        cx: &CheckContext<'_>,
        name: &'static str,
    ) -> Result<(), ConfigError> {
        if let Some(revocation) = &self.revocation {
            revocation.check()?;
        }
        let is_revocable = self.revocation.is_some();
        cx.check_effects(BackendTraits { name, is_revocable, ..BackendTraits::NONE })
    }

    pub(crate) async fn open(&self, cx: &OpenContext<'_>) -> Result<SessionState, OpenError> {
        match &self.revocation {
            // Boxed, so that sessions that cannot be ended do not hold its future.
            Some(revocation) => Box::pin(self.open_unless_ended(cx, revocation)).await,
            None => Ok(self.open_unrevoked(cx)),
        }
    }

    /// Opens the session now, unless a store must be asked whether it was ended.
    pub(crate) fn open_at_once(&self, cx: &OpenContext<'_>) -> Option<SessionState> {
        self.revocation.is_none().then(|| self.open_unrevoked(cx))
    }

    fn open_unrevoked(&self, cx: &OpenContext<'_>) -> SessionState {
        let newest = self.newest(cx);
        let sealed = newest.as_ref().map(|newest| newest.sealed);
        self.session(newest, sealed, cx)
    }

    /// Returns the session of this token, or a new one. `newest` is the order of the newest token
    /// that verifies.
    fn session(
        &self,
        opened: Option<OpenedToken>,
        newest: Option<SealOrder>,
        cx: &OpenContext<'_>,
    ) -> SessionState {
        let end = opened.as_ref().is_some_and(OpenedToken::is_ending);
        let session = opened.filter(|opened| !end && !opened.has_expired);
        let session = session.map(|opened| opened.state);
        let mut state = session.unwrap_or_else(Self::new_session);
        let are_several = cx.cookies().are_several();
        let seen = CookiesSeen { newest, are_several, end };
        state.set_cookies_seen(seen);
        self.limit(&mut state, seen, cx);
        state
    }

    /// Limits the session to what fits in its cookie.
    fn limit(&self, state: &mut SessionState, seen: CookiesSeen, cx: &OpenContext<'_>) {
        let now = unix_seconds(cx.now());
        let room = MAX_NAME_VALUE.saturating_sub(cx.cookie().name().as_str().len());
        let start = cx.settings().absolute_timeout().is_some();
        let number = seal_member(Self::next_seal(seen, now).number);
        let digits = |number: u64| number.checked_ilog10().unwrap_or_default() as usize + 1;
        let others = number.map_or(0, |(key, number)| "\"\":,".len() + key.len() + digits(number));
        let own_keys = OwnKeys { start, login_time: self.revocation.is_some(), others };
        state.set_limits(self.codec.limit(room, now), own_keys);
    }

    /// Returns the order of a token that is sealed at `now`.
    fn next_seal(seen: CookiesSeen, now: u64) -> SealOrder {
        let newest = seen.newest.filter(|_| C::ORDERS_EVERY_SEAL || seen.hide_older());
        SealOrder::after(newest, now)
    }

    fn new_session() -> SessionState {
        SessionState::new().in_format(C::FORMAT)
    }

    async fn open_unless_ended(
        &self,
        cx: &OpenContext<'_>,
        revocation: &Revocation,
    ) -> Result<SessionState, OpenError> {
        let login = LoginTime::began(cx.clock.stopwatch(cx.now()));
        let deadline = revocation.deadline();
        let newest = self.newest(cx);
        let sealed = newest.as_ref().map(|newest| newest.sealed);
        // The newest decides. It may have replaced the ending of an older one, which would open again.
        let opened = match newest {
            Some(newest)
                if !newest.has_expired
                    && revocation.has_ended(&newest.state, &deadline).await? =>
            {
                event!(
                    SessionRefused,
                    reason = "owner_ended",
                    "session cookie refused: its owner's sessions were ended"
                );
                None
            }
            newest => newest,
        };
        let mut state = self.session(opened, sealed, cx);
        state.extensions_mut().insert(login);
        Ok(state)
    }

    /// Opens the newest of the cookies that verify.
    fn newest(&self, cx: &OpenContext<'_>) -> Option<OpenedToken> {
        if cx.cookies().is_empty() {
            return None;
        }
        let keys = self.keys_for(cx.settings(), cx.cookie().name().as_str());
        let mut newest: Option<OpenedToken> = None;
        let mut refused = RefusedTokens::default();
        for token in cx.cookies().iter() {
            match open_token(&self.codec, token, &keys, cx) {
                Ok(opened) => {
                    if opened.has_expired {
                        refused.token(Rejected::Expired);
                    }
                    if let Some(other) = &newest {
                        event!(
                            SessionAmbiguous,
                            "two different session cookies verify; the newer is used"
                        );
                        if !opened.is_newer_than(other) {
                            continue;
                        }
                    }
                    newest = Some(opened);
                }
                Err(rejected) => refused.token(rejected),
            }
        }
        newest
    }

    /// Whether a token of the session would still open it, as far as the request and its owner's
    /// revocation tell.
    pub(crate) fn is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        if has_timed_out(state, cx) || cx.is_saved() && state.is_empty() {
            return known(false);
        }
        match (&self.revocation, state.owner()) {
            (Some(revocation), Some(owner)) => revocation.is_alive(state, &owner),
            _ => known(true),
        }
    }

    pub(crate) async fn save(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let Some(revocation) = self.revocation_of_login(state) else {
            return self.save_since(state, None, cx);
        };
        match Box::pin(revocation.login_time(state)).await {
            Ok(since) => self.save_since(state, Some(since), cx),
            Err(_) if Self::is_key_gone(state, &self.keys_of_cookie(cx), cx) => {
                self.fail(state, SaveError::Gone, cx)
            }
            Err(err) => self.fail(state, err, cx),
        }
    }

    /// Saves the session now, unless a store must be asked for the time of a login.
    pub(crate) fn save_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.revocation_of_login(state).is_none().then(|| self.save_since(state, None, cx))
    }

    /// Returns what tells the time of the login that this request is, if it is one that can be ended.
    fn revocation_of_login(&self, state: &SessionState) -> Option<&Revocation> {
        self.revocation.as_ref().filter(|_| state.logs_in() && !state.is_empty())
    }

    /// Saves the session, whose login was at the time `since` where it is noted.
    fn save_since(
        &self,
        state: &SessionState,
        since: Option<Timestamp>,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        if state.is_empty() {
            return self.save_empty(state, cx);
        }
        let keys = self.keys_of_cookie(cx);
        if Self::is_key_gone(state, &keys, cx) {
            return self.fail(state, SaveError::Gone, cx);
        }
        let (seen, now) = (state.cookies_seen(), unix_seconds(cx.now()));
        let token = match since {
            Some(since) => self.seal(&state.with_owner_since(since), seen, &keys, now)?,
            None => self.seal(state, seen, &keys, now)?,
        };
        self.tell(state, cx.session_status());
        let began = state.started().map_or(now, unix_seconds);
        Ok(Saved::encoded_token(token).ending_at(cx.ends_at(began, state.own_lifetimes())))
    }

    /// Whether the session was opened with a key that is no longer in use. It does not outlive its key by being
    /// sealed again: the key may have leaked.
    fn is_key_gone(state: &SessionState, keys: &SaltKeys<C::Key>, cx: &SaveContext<'_>) -> bool {
        let opened_with = state.extensions().get::<KeyBytes>();
        opened_with.is_some_and(|key| !keys.ring().has(key))
            && cx.session_status() != SessionStatus::Purged
    }

    /// Removes the cookie of an empty session. Where older cookies would open without it, sets it to the token
    /// of an empty session instead.
    #[cold]
    fn save_empty(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        let hides_older = state.cookies_seen().hide_older();
        let saved = if hides_older {
            Saved::ended_by(self.seal_ending(state, cx)?)
        } else {
            Saved::removed()
        };
        self.tell(state, cx.session_status());
        Ok(saved)
    }

    /// Fails to save. Of a session that has ended, the cookie is replaced if it hides older ones, which would
    /// open without it.
    #[cold]
    fn fail(
        &self,
        state: &SessionState,
        err: SaveError,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        match err {
            SaveError::Gone if state.cookies_seen().hide_older() => {
                let ending = Some(self.seal_ending(state, cx)?.into());
                Ok(Saved { ending, ..Saved::with(CookieChange::RemoveEnded) })
            }
            err => Err(err),
        }
    }

    /// Returns the token of an empty session, in the order of this one.
    fn seal_ending(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<String, SaveError> {
        // Of a new session, since a start of this one would limit its age.
        let now = unix_seconds(cx.now());
        self.seal(&Self::new_session(), state.cookies_seen(), &self.keys_of_cookie(cx), now)
    }

    #[inline(never)]
    fn seal(
        &self,
        state: &SessionState,
        seen: CookiesSeen,
        keys: &SaltKeys<C::Key>,
        now: u64,
    ) -> Result<String, SaveError> {
        let order = Self::next_seal(seen, now);
        C::seal(keys.current(), &self.codec.write(state, order.number)?, order.second)
    }

    /// Tells what a request that is saved did to its session.
    #[inline(never)]
    fn tell(&self, state: &SessionState, status: SessionStatus) {
        let is_empty = state.is_empty();
        let is_purged = status == SessionStatus::Purged || is_empty;
        if is_purged && !state.is_new() {
            event!(SessionEnded, reason = "logout", "session ended");
        }
        if is_empty {
            return;
        }
        let owner = || {
            let namespace = self.revocation.as_ref().map_or("", Revocation::owner_namespace);
            let owner = OwnerKey::of_id(namespace, &state.owner()?);
            LogIds::of(self.keys.clone()).owner(&owner)
        };
        let reason = match status {
            _ if state.is_new() || is_purged => {
                event!(SessionCreated, owner = owner(), "session created");
                return;
            }
            SessionStatus::Renewed if state.logs_in() => "login",
            SessionStatus::Renewed => "renewal",
            SessionStatus::Rotated => "rotation",
            _ => return,
        };
        event!(SessionRenewed, reason = reason, owner = owner(), "session token replaced");
    }

    fn keys_of_cookie(&self, cx: &SaveContext<'_>) -> FoundKeys<C::Key> {
        self.keys_for(cx.settings(), cx.cookie().name().as_str())
    }

    fn keys_for(&self, settings: &Settings, cookie_name: &str) -> FoundKeys<C::Key> {
        let salt = settings.salt().or(C::SALT);
        self.keys_of(salt.map_or(Salt::Default(C::KIND, cookie_name), Salt::Custom))
    }

    pub(super) fn keys_of(&self, salt: Salt<&str>) -> FoundKeys<C::Key> {
        self.derived.get(&self.keys, salt, |key, salt| self.codec.key(key, salt))
    }
}

/// Whether the token that came has expired, or the one that the request set, or the session.
fn has_timed_out(state: &SessionState, cx: &AliveContext<'_>) -> bool {
    let is_sealed_again = state.is_new() || state.is_modified() || state.wants_refresh();
    let came = state.cookies_seen().newest.filter(|_| !is_sealed_again);
    let sealed_at = came.map_or_else(|| unix_seconds(cx.since()), |seal| seal.second);
    let limits = cx.settings().limits(state.own_lifetimes());
    let checked = check_limits(state, limits, sealed_at, unix_seconds(cx.now()));
    matches!(checked, Err(Rejected::Expired))
}

fn open_token<C: CookieCodec>(
    codec: &C,
    token: &[u8],
    keys: &SaltKeys<C::Key>,
    cx: &OpenContext<'_>,
) -> Result<OpenedToken, Rejected> {
    let settings = cx.settings();
    let now = unix_seconds(cx.now());
    let (Plaintext { payload, sealed_at }, at) = keys.find(|key| C::open(key, token))?;
    check_age(sealed_at, now, settings.longest_lifetime().as_secs(), LEEWAY.as_secs())?;
    let mut state = codec.read(payload)?.in_format(C::FORMAT);
    let sealed = SealOrder { second: sealed_at, number: state.take_seal_number() };
    let own = state.own_lifetimes();
    let limits = settings.limits(own);
    // The empty session of a logout hides tokens of any age.
    if !state.is_empty() {
        match check_limits(&state, limits, sealed_at, now) {
            Ok(()) if limits.absolute.is_some() => state.set_started(started(&state, sealed_at)),
            Ok(()) => {}
            Err(Rejected::Expired) => return Ok(OpenedToken { sealed, state, has_expired: true }),
            Err(rejected) => return Err(rejected),
        }
    }
    let idle_for = Duration::from_secs(now.saturating_sub(sealed_at));
    let by_fallback = keys.ring().is_fallback(at);
    let touch_interval = settings.touch_interval_of(own);
    if cx.is_use() && (by_fallback || limits.idle.is_some() && idle_for >= touch_interval) {
        state.request_refresh();
    }
    keys.ring().count(at);
    // For saving, which checks that the key is still in the ring.
    state.extensions_mut().insert_shared(Arc::clone(keys.ring().key(at).shared()));
    Ok(OpenedToken { sealed, state, has_expired: false })
}

/// Checks that a session which was sealed at this second still lives. In the second of an idle or an
/// absolute limit it has ended, as in a store.
fn check_limits(
    state: &SessionState,
    limits: SessionLimits,
    sealed_at: u64,
    now: u64,
) -> Result<(), Rejected> {
    let within = |then, limit: Duration| {
        check_age(then, now, limit.as_secs().saturating_sub(1), LEEWAY.as_secs())
    };
    // Flask's own limit, which is over in the second after it.
    check_age(sealed_at, now, limits.lifetime.as_secs(), LEEWAY.as_secs())?;
    if let Some(idle) = limits.idle {
        within(sealed_at, idle)?;
    }
    match limits.absolute {
        Some(limit) => within(unix_seconds(started(state, sealed_at)), limit),
        None => Ok(()),
    }
}

/// Returns when a session started. One from before that was noted did so, at the latest, when it was sealed.
fn started(state: &SessionState, sealed_at: u64) -> SystemTime {
    state.started().unwrap_or(UNIX_EPOCH + Duration::from_secs(sealed_at))
}

impl<C: CookieCodec + Clone> Clone for CookieSessions<C> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            codec: self.codec.clone(),
            derived: Arc::clone(&self.derived),
            revocation: self.revocation.clone(),
        }
    }
}

impl<C: CookieCodec + fmt::Debug> fmt::Debug for CookieSessions<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSessions")
            .field("keys", &self.keys)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
