//! Sessions that live in their cookie, with any codec.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use super::codec::{CookieCodec, Plaintext};
use crate::{
    backend::{
        OwnerError,
        derived_keys::{DerivedKeyCache, Salt, SaltKeys},
        login_time::LoginTime,
        revocation::Revocation,
    },
    error::{OpenError, SaveError},
    interface::{OpenContext, SaveContext, Saved, unix_seconds},
    key::{KeyBytes, SharedKeys},
    policy::Settings,
    state::{SessionState, SessionStatus},
    token::signed::{Rejected, check_age},
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
    /// Its position among the cookies.
    at: usize,
    sealed_at: u64,
    state: SessionState,
}

impl<C: CookieCodec> CookieSessions<C> {
    pub(crate) fn new(keys: SharedKeys, codec: C) -> Self {
        Self { keys, codec, derived: Arc::default(), revocation: None }
    }

    pub(crate) fn with_codec(self, codec: C) -> Self {
        Self { codec, derived: Arc::default(), ..self }
    }

    pub(crate) fn revocable(self, revocation: Revocation) -> Self {
        Self { revocation: Some(revocation), ..self }
    }

    /// Returns the revocation, if sessions can be ended.
    pub(crate) fn revocation(&self) -> Result<&Revocation, OwnerError> {
        self.revocation.as_ref().ok_or(OwnerError::Unsupported)
    }

    pub(crate) fn keys(&self) -> &SharedKeys {
        &self.keys
    }

    pub(crate) async fn open(&self, cx: &OpenContext<'_>) -> Result<SessionState, OpenError> {
        match &self.revocation {
            // Boxed, so that sessions that cannot be ended do not hold its future.
            Some(revocation) => Box::pin(self.open_unless_ended(cx, revocation)).await,
            None => Ok(self.newest(cx, &[]).map_or_else(Self::new_session, |it| it.state)),
        }
    }

    fn new_session() -> SessionState {
        SessionState::new().in_format(C::FORMAT)
    }

    async fn open_unless_ended(
        &self,
        cx: &OpenContext<'_>,
        revocation: &Revocation,
    ) -> Result<SessionState, OpenError> {
        let login = LoginTime::began(cx.clock.stopwatch());
        let deadline = revocation.deadline();
        let mut ended = Vec::new();
        let mut state = loop {
            let Some(OpenedToken { at, state, .. }) = self.newest(cx, &ended) else {
                break Self::new_session();
            };
            if !revocation.has_ended(&state, &deadline).await? {
                break state;
            }
            tracing::info!(target: "sessions", "session cookie refused: its owner's sessions were ended");
            ended.push(at);
        };
        state.extensions_mut().insert(login);
        Ok(state)
    }

    /// Opens the newest of the cookies that verify, except those at these positions.
    fn newest(&self, cx: &OpenContext<'_>, except: &[usize]) -> Option<OpenedToken> {
        if cx.cookies().is_empty() {
            return None;
        }
        let keys = self.keys_for(cx.settings(), cx.cookie().name().as_str());
        let mut newest: Option<OpenedToken> = None;
        for (at, token) in cx.cookies().iter().enumerate() {
            if except.contains(&at) {
                continue;
            }
            match open_token(&self.codec, at, token, &keys, cx) {
                Ok(opened) => {
                    if let Some(other) = &newest {
                        tracing::warn!(target: "sessions", "two different session cookies verify; the newer is used");
                        if other.sealed_at >= opened.sealed_at {
                            continue;
                        }
                    }
                    newest = Some(opened);
                }
                Err(rejected) => {
                    tracing::info!(target: "sessions", reason = %rejected, "session cookie refused");
                }
            }
        }
        newest
    }

    pub(crate) async fn save(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        if state.is_empty() {
            return Ok(Saved::removed());
        }
        let keys = self.keys_for(cx.settings(), cx.cookie().name().as_str());
        // A session does not outlive its key by being sealed again: the key may have leaked.
        let opened_with = state.extensions().get::<KeyBytes>();
        if opened_with.is_some_and(|key| !keys.ring().has(key))
            && cx.session_status() != SessionStatus::Purged
        {
            return Err(SaveError::Gone);
        }
        let payload = match &self.revocation {
            Some(revocation) if state.logs_in() => {
                let since = Box::pin(revocation.login_time(state)).await?;
                self.codec.write(&state.with_owner_since(since))
            }
            _ => self.codec.write(state),
        };
        C::seal(keys.current(), &payload, unix_seconds(cx.now())).map(Saved::token)
    }

    fn keys_for(&self, settings: &Settings, cookie_name: &str) -> Arc<SaltKeys<C::Key>> {
        let salt =
            settings.salt().or(C::SALT).map_or(Salt::Default(C::KIND, cookie_name), Salt::Custom);
        self.derived.get(&self.keys, salt, |key, salt| self.codec.key(key, salt))
    }
}

fn open_token<C: CookieCodec>(
    codec: &C,
    number: usize,
    token: &[u8],
    keys: &SaltKeys<C::Key>,
    cx: &OpenContext<'_>,
) -> Result<OpenedToken, Rejected> {
    let settings = cx.settings();
    let now = unix_seconds(cx.now());
    let (Plaintext { payload, sealed_at }, at) = keys.find(|key| C::open(key, token))?;
    let age_limit =
        settings.idle_timeout().map_or(settings.lifetime(), |idle| idle.min(settings.lifetime()));
    check_age(sealed_at, now, age_limit.as_secs(), LEEWAY.as_secs())?;
    let mut state = codec.read(payload)?.in_format(C::FORMAT);

    if let Some(limit) = settings.absolute_timeout() {
        // A session from before the limit was set began, at the latest, when it was sealed.
        let started = state.started().unwrap_or(UNIX_EPOCH + Duration::from_secs(sealed_at));
        check_age(unix_seconds(started), now, limit.as_secs(), LEEWAY.as_secs())?;
        state.set_started(started);
    }
    let idle_for = Duration::from_secs(now.saturating_sub(sealed_at));
    let by_fallback = at > 0;
    if by_fallback || settings.idle_timeout().is_some() && idle_for >= settings.touch_interval() {
        state.request_refresh();
    }
    keys.ring().count(at);
    // For saving, which checks that the key is still in the ring.
    state.extensions_mut().insert_shared(Arc::clone(keys.ring().key(at).shared()));
    Ok(OpenedToken { at: number, sealed_at, state })
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
