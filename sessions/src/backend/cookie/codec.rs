//! Sessions that live in their cookie, whichever way they are sealed.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    backend::{
        OwnerError,
        derived_keys::{DerivedKeyCache, Salt, SaltKeys},
        revocation::Revocation,
    },
    dictionary::Format,
    error::{OpenError, SaveError},
    interface::{OpenContext, SaveContext, Saved, unix_seconds},
    key::{KeyBytes, SecretKey, SharedKeys},
    policy::Settings,
    state::{SessionState, SessionStatus},
    token::signed::{Rejected, check_age},
};

/// How far ahead of this host's clock a token may be sealed: hosts' clocks differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// How a session is written into its cookie.
pub(crate) trait CookieCodec: Send + Sync + 'static {
    /// What seals and opens, under one key and one salt.
    type Key: Send + Sync + 'static;
    /// What these tokens are, in their default salt.
    const KIND: &'static str;
    /// The default salt where it does not depend on the cookie's name.
    const SALT: Option<&'static str> = None;
    /// How values are written.
    const FORMAT: Format = Format::Json;

    fn key(&self, key: &SecretKey, salt: &str) -> Self::Key;

    /// Returns what a token holds, if it was sealed with this key.
    fn open(key: &Self::Key, token: &[u8]) -> Result<Plaintext, Rejected>;

    /// Returns the token of a payload, sealed at `now` in seconds since 1970.
    fn seal(key: &Self::Key, payload: &[u8], now: u64) -> Result<String, SaveError>;

    /// Returns the session of a payload.
    fn read(&self, payload: Vec<u8>) -> Result<SessionState, Rejected> {
        let json = String::from_utf8(payload).map_err(|_| Rejected::Format)?;
        SessionState::from_json(json).map_err(|_| Rejected::Format)
    }

    /// Returns the payload of a session.
    fn write(&self, state: &SessionState) -> Vec<u8> {
        state.to_json().into_bytes()
    }
}

/// What a token holds.
pub(crate) struct Plaintext {
    pub(crate) payload: Vec<u8>,
    /// In seconds since 1970.
    pub(crate) sealed_at: u64,
}

/// The part of a backend that is the same for all seals.
pub(crate) struct CookieSessions<S: CookieCodec> {
    keys: SharedKeys,
    seal: S,
    derived: Arc<DerivedKeyCache<S::Key>>,
    revocation: Option<Revocation>,
}

struct OpenedToken {
    /// Which of the cookies it is.
    at: usize,
    sealed_at: u64,
    state: SessionState,
}

impl<S: CookieCodec> CookieSessions<S> {
    pub(crate) fn new(keys: SharedKeys, seal: S) -> Self {
        Self { keys, seal, derived: Arc::default(), revocation: None }
    }

    pub(crate) fn with_seal(self, seal: S) -> Self {
        Self { seal, derived: Arc::default(), ..self }
    }

    pub(crate) fn revocable(self, revocation: Revocation) -> Self {
        Self { revocation: Some(revocation), ..self }
    }

    /// Returns what ends sessions, if they can be ended.
    pub(crate) fn revocation(&self) -> Result<&Revocation, OwnerError> {
        self.revocation.as_ref().ok_or(OwnerError::Unsupported)
    }

    pub(crate) fn keys(&self) -> &SharedKeys {
        &self.keys
    }

    pub(crate) async fn open(&self, cx: &OpenContext<'_>) -> Result<SessionState, OpenError> {
        match &self.revocation {
            // Boxed, so that sessions that cannot be ended carry nothing of it with them.
            Some(revocation) => Box::pin(self.open_unless_ended(cx, revocation)).await,
            None => Ok(self.newest(cx, &[]).map_or_else(Self::new_session, |it| it.state)),
        }
    }

    fn new_session() -> SessionState {
        SessionState::new().in_format(S::FORMAT)
    }

    async fn open_unless_ended(
        &self,
        cx: &OpenContext<'_>,
        revocation: &Revocation,
    ) -> Result<SessionState, OpenError> {
        let stamp = revocation.stamp(cx);
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
        state.stamp_logins(stamp);
        Ok(state)
    }

    /// Opens the newest of the cookies that verify, but those.
    fn newest(&self, cx: &OpenContext<'_>, but: &[usize]) -> Option<OpenedToken> {
        if cx.cookies().is_empty() {
            return None;
        }
        let keys = self.keys_for(cx.settings(), cx.cookie().name().as_str());
        let mut newest: Option<OpenedToken> = None;
        for (at, token) in cx.cookies().iter().enumerate() {
            if but.contains(&at) {
                continue;
            }
            match open_token(&self.seal, at, token, &keys, cx) {
                Ok(opened) => {
                    if let Some(former) = &newest {
                        tracing::warn!(target: "sessions", "two different session cookies verify; the newer is used");
                        if former.sealed_at >= opened.sealed_at {
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
        // A session does not outlive its key by being sealed anew: the key may have leaked.
        let came_under = state.extensions().get::<KeyBytes>();
        if came_under.is_some_and(|key| !keys.ring().has(key))
            && cx.session_status() != SessionStatus::Purged
        {
            return Err(SaveError::Gone);
        }
        if let Some(revocation) = &self.revocation {
            Box::pin(revocation.check_login(state)).await?;
        }
        let payload = self.seal.write(state);
        S::seal(keys.current(), &payload, unix_seconds(cx.now())).map(Saved::token)
    }

    fn keys_for(&self, settings: &Settings, cookie_name: &str) -> Arc<SaltKeys<S::Key>> {
        let salt =
            settings.salt().or(S::SALT).map_or(Salt::Default(S::KIND, cookie_name), Salt::Custom);
        self.derived.get(&self.keys, salt, |key, salt| self.seal.key(key, salt))
    }
}

fn open_token<S: CookieCodec>(
    seal: &S,
    number: usize,
    token: &[u8],
    keys: &SaltKeys<S::Key>,
    cx: &OpenContext<'_>,
) -> Result<OpenedToken, Rejected> {
    let settings = cx.settings();
    let now = unix_seconds(cx.now());
    let (Plaintext { payload, sealed_at }, at) = keys.find(|key| S::open(key, token))?;
    let age_limit =
        settings.idle_timeout().map_or(settings.lifetime(), |idle| idle.min(settings.lifetime()));
    check_age(sealed_at, now, age_limit.as_secs(), LEEWAY.as_secs())?;
    let mut state = seal.read(payload)?.in_format(S::FORMAT);

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
    // For the save: whether the key still holds.
    state.extensions_mut().insert_shared(Arc::clone(keys.ring().key(at).shared()));
    Ok(OpenedToken { at: number, sealed_at, state })
}

impl<S: CookieCodec + Clone> Clone for CookieSessions<S> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            seal: self.seal.clone(),
            derived: Arc::clone(&self.derived),
            revocation: self.revocation.clone(),
        }
    }
}

impl<S: CookieCodec + fmt::Debug> fmt::Debug for CookieSessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSessions")
            .field("keys", &self.keys)
            .field("seal", &self.seal)
            .finish_non_exhaustive()
    }
}
