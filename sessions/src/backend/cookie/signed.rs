//! Sessions kept in the cookie, signed: readable by the client, not writable.

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
    token::signed::{HashAlgorithm, Rejected, Signer, longest_payload},
};

/// Sessions that live in their cookie, signed with HMAC in the format of itsdangerous.
///
/// There is no store to run: the client carries the session, at most 4,096 bytes with the cookie's
/// name. A write that no longer fits is [`SessionError::TooLarge`](crate::SessionError::TooLarge). A token
/// is signed for one cookie name (or for the policy `salt`), with the time, and is
/// refused when it is older than the lifetime or more than 60 seconds in the future. Tokens under a
/// fallback key verify, and are signed again in the response; [`SharedKeys`] replaces the keys while
/// the server runs.
///
/// # Security
///
/// - **The client can read the session.** Keep no secrets in it.
/// - **A copied cookie stays valid.** Logging out removes the cookie from the browser; neither that
///   nor a renewal ends a copy. A copy that is used is signed again like any session, so that only
///   `absolute_timeout` ends it (OWASP ASVS 5.0, 7.4.1), or ending all sessions of its owner where
///   the backend is [`revocable`](Self::revocable).
/// - **Of two concurrent requests, the response that comes last wins.** Each writes the whole
///   session.
/// - **A new domain or path needs a new cookie name.** The browser keeps the former cookie beside the
///   new one, and the newest that comes is used. Where several come, a logout sets an empty session,
///   newer than all of them, instead of removing its cookie; a cookie that is not sent to the page of
///   the logout stays.
///
/// # Examples
///
/// ```
/// use sessions::{SecretKey, SessionInterface, SignedCookie};
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-app")]
/// struct AppSessions {
///     backend: SignedCookie,
/// }
///
/// let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
/// sessions.check()?;
/// # Ok::<(), sessions::error::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SignedCookie {
    sessions: CookieSessions<Signed>,
}

/// The payload in plain text, and a signature.
#[derive(Clone, Debug)]
struct Signed {
    digest: HashAlgorithm,
}

impl SignedCookie {
    /// Returns a backend that signs with this key, or with the current one of this ring or handle.
    pub fn new(keys: impl Into<SharedKeys>) -> Self {
        let codec = Signed { digest: HashAlgorithm::default() };
        Self { sessions: CookieSessions::new(keys.into(), codec) }
    }

    /// Sets the hash function of the signatures. Defaults to [`HashAlgorithm::Sha256`].
    ///
    /// Tokens under another hash do not verify: changing it ends all sessions.
    #[must_use]
    pub fn with_hash(self, digest: HashAlgorithm) -> Self {
        Self { sessions: self.sessions.with_codec(Signed { digest }) }
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

impl Backend for SignedCookie {
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
        self.sessions.check(cx, "SignedCookie")
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

impl CookieCodec for Signed {
    type Key = Signer;
    const KIND: &'static str = "signed-cookie";

    fn limit(&self, room: usize, now: u64) -> Limits {
        let bytes = longest_payload(room, self.digest, now);
        Limits::new(bytes, SessionLimit::Cookie, MAX_KEYS)
    }

    fn key(&self, key: &SecretKey, salt: &str) -> Signer {
        Signer::new(key, salt.as_bytes(), self.digest)
    }

    fn open(signer: &Signer, token: &[u8]) -> Result<Plaintext, Rejected> {
        let verified = signer.verify(token)?;
        Ok(Plaintext { payload: verified.decode()?, sealed_at: verified.signed_at })
    }

    fn seal(signer: &Signer, payload: &[u8], now: u64) -> Result<String, SaveError> {
        Ok(signer.sign(payload, now))
    }
}
