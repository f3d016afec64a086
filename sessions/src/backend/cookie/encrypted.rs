//! Sessions kept in the cookie, encrypted: neither readable nor writable by the client.

use std::{fmt, sync::Arc};

use super::{
    codec::{CookieCodec, Plaintext},
    decoded::{DecodedToken, TokenError, TokenScope},
    sessions::CookieSessions,
};
#[cfg(feature = "import-actix-session")]
use crate::backend::TakeoverHook;
use crate::{
    backend::{Backend, OwnerError, revocation::Revocation},
    dictionary::Limits,
    error::{ConfigError, NotReady, OpenError, Outages, SaveError, SessionLimit},
    interface::{AliveContext, CheckContext, IsAlive, OpenContext, Opened, SaveContext, Saved},
    key::{SecretKey, SharedKeys},
    session::{Session, SessionSelector},
    state::{MAX_KEYS, SessionState},
    token::{
        sealed::{Sealer, longest_payload},
        signed::Rejected,
    },
};

/// Sessions that live in their cookie, encrypted with AES-256-GCM.
///
/// Like [`SignedCookie`](crate::SignedCookie), except that the client cannot read it: no store, the
/// same limits of age, the same replacement of keys. The cookie's name and 76 more of its 4,096 bytes
/// are not available to the session; 3 bytes of JSON take 4 of the others. A write that no longer fits is
/// [`SessionError::TooLarge`](crate::SessionError::TooLarge).
///
/// A token is sealed for one cookie name (or for the policy `salt`). This backend does not open signed
/// cookies, nor the other way round: changing from one to the other ends all sessions, whatever the
/// keys.
///
/// # Security
///
/// - **The length of the session is visible**, and sometimes tells its content: a role of five letters
///   has a shorter cookie than one of nine.
/// - **A copied cookie stays valid**, as with `SignedCookie`: only `absolute_timeout` ends it (OWASP
///   ASVS 5.0, 7.4.1), or ending all sessions of its owner where the backend is
///   [`revocable`](Self::revocable).
/// - **Of two concurrent requests, the response that comes last wins.**
/// - **A new domain or path needs a new cookie name**, as with `SignedCookie`.
/// - Each token has a key of its own, derived from the ring's key and 256 random bits, so that no
///   number of tokens wears a key out: among 2⁶⁴ tokens under one key two share theirs with a
///   probability of 2⁻¹²⁹. (With one key for all, GCM's random nonces allow 2³² tokens; NIST SP
///   800-38D, 8.3.)
///
/// # Examples
///
/// ```
/// use sessions::{EncryptedCookie, SecretKey, SessionInterface};
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-app", confidential)]
/// struct AppSessions {
///     backend: EncryptedCookie,
/// }
///
/// let sessions = AppSessions { backend: EncryptedCookie::new(SecretKey::generate()) };
/// sessions.check()?;
/// # Ok::<(), sessions::error::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EncryptedCookie {
    sessions: CookieSessions<Encrypted>,
}

/// The payload, encrypted and authenticated.
#[derive(Clone, Debug)]
struct Encrypted;

impl EncryptedCookie {
    /// Returns a backend that encrypts with this key, or with the current one of this ring or handle.
    pub fn new(keys: impl Into<SharedKeys>) -> Self {
        Self { sessions: CookieSessions::new(keys.into(), Encrypted) }
    }

    /// Makes [`end_all`](Self::end_all) and [`end_others`](Self::end_others) work: a store keeps the
    /// time before which an owner's sessions are ended. Takes the store, or a [`Revocation`] with
    /// deadlines of its own.
    ///
    /// Sessions that got their owner before this was set are checked too.
    #[must_use]
    pub fn revocable(self, store: impl Into<Revocation>) -> Self {
        Self { sessions: self.sessions.revocable(store.into()) }
    }

    /// Ends all sessions of the owner: [`Revocation::end_all`].
    ///
    /// # Errors
    ///
    /// [`OwnerError::Unsupported`] when the backend is not [`revocable`](Self::revocable), and those
    /// of [`Revocation::end_all`].
    pub async fn end_all(&self, owner: impl fmt::Display) -> Result<(), OwnerError> {
        self.sessions.revocation()?.end_all(owner).await
    }

    /// Ends all sessions of the owner of `current`, except that one: [`Revocation::end_others`].
    ///
    /// # Errors
    ///
    /// [`OwnerError::Unsupported`] when the backend is not [`revocable`](Self::revocable), and those
    /// of [`Revocation::end_others`].
    pub async fn end_others<I: SessionSelector>(
        &self,
        current: &Session<I>,
    ) -> Result<(), OwnerError> {
        self.sessions.revocation()?.end_others(current).await
    }

    /// Reads a token without a request, for tools such as `sessions-admin`. Checks the signature, and not
    /// the age.
    ///
    /// # Errors
    ///
    /// [`TokenError`] when the token is not one of these keys and this scope.
    pub fn decode(&self, token: &str, scope: TokenScope<'_>) -> Result<DecodedToken, TokenError> {
        self.sessions.decode(token, scope)
    }

    /// Returns the handle on the keys.
    pub fn keys(&self) -> &SharedKeys {
        self.sessions.keys()
    }
}

impl Backend for EncryptedCookie {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.sessions.open(cx).await.map(Opened::Session)
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        self.sessions.save(state, cx).await
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        self.sessions.open_at_once(cx).map(|state| Ok(Opened::Session(state)))
    }

    fn save_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.sessions.save_at_once(state, cx)
    }

    fn check(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        self.sessions.check(cx, "EncryptedCookie")
    }

    fn is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        self.sessions.is_alive(state, cx)
    }

    async fn ready(&self) -> Result<(), NotReady> {
        match self.sessions.revocation() {
            Ok(revocation) => revocation.ready().await,
            Err(_) => Ok(()),
        }
    }

    fn outages(&self) -> Outages {
        self.sessions.revocation().ok().map(|revocation| Arc::clone(revocation.log()))
    }

    #[cfg(feature = "import-actix-session")]
    fn takeover(&self) -> Option<TakeoverHook<'_>> {
        self.sessions.revocation().ok().map(|revocation| TakeoverHook(revocation))
    }
}

impl CookieCodec for Encrypted {
    type Key = Sealer;
    const KIND: &'static str = "encrypted-cookie";

    fn limit(&self, room: usize, _now: u64) -> Limits {
        Limits::new(longest_payload(room), SessionLimit::Cookie, MAX_KEYS)
    }

    fn key(&self, key: &SecretKey, salt: &str) -> Sealer {
        Sealer::new(key, salt)
    }

    fn open(sealer: &Sealer, token: &[u8]) -> Result<Plaintext, Rejected> {
        let opened = sealer.open(token)?;
        Ok(Plaintext { payload: opened.payload, sealed_at: opened.sealed_at })
    }

    fn seal(sealer: &Sealer, payload: &[u8], now: u64) -> Result<String, SaveError> {
        sealer.seal(payload, now).map_err(SaveError::internal)
    }
}
