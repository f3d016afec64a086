//! Sessions kept in the cookie, encrypted: neither readable nor writable by the client.

use std::fmt;

use super::{
    codec::{CookieCodec, Plaintext},
    sessions::CookieSessions,
};
use crate::{
    backend::{Backend, OwnerError, revocation::Revocation},
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
    key::{SecretKey, SharedKeys},
    session::{Session, SessionSelector},
    state::SessionState,
    token::{sealed::Sealer, signed::Rejected},
};

/// Sessions that live in their cookie, encrypted with AES-256-GCM.
///
/// What [`SignedCookie`](crate::SignedCookie) is, and the client cannot read it: no store, the same
/// limits of age, the same change of keys. Of the cookie's 4,096 bytes its name and 76 others are not
/// the session's, and 3 bytes of JSON take 4 of the rest.
///
/// A token is sealed for one cookie name (or for the policy `salt`). Signed cookies do not open, nor
/// do these as signed ones: changing from one to the other ends all sessions, whatever the keys.
///
/// # Security
///
/// - **How long the session is shows**, and with that, sometimes, what is in it: a role of five
///   letters has a shorter cookie than one of nine.
/// - **A copied cookie goes on**, as with `SignedCookie`: only `absolute_timeout` ends it (OWASP
///   ASVS 5.0, 7.4.1), or the end of all sessions of its owner where the backend is
///   [`revocable`](Self::revocable).
/// - **Of two concurrent requests, the response that comes last wins.**
/// - Each token has a key of its own, derived from the ring's key and 256 random bits, so no number
///   of tokens wears a key out: after 2⁶⁴ tokens under one key two would share theirs with a
///   probability of 2⁻¹²⁹. (Under one key for all, GCM's random nonces allow 2³²; NIST SP 800-38D,
///   8.3.)
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
    /// Returns a backend that encrypts with this key, or with the current one of this ring or of
    /// what this handle holds.
    pub fn new(keys: impl Into<SharedKeys>) -> Self {
        Self { sessions: CookieSessions::new(keys.into(), Encrypted) }
    }

    /// Has a store note when owners end all of their sessions, so that [`end_all`](Self::end_all)
    /// and [`end_others`](Self::end_others) can. Takes the store, or a [`Revocation`] with deadlines
    /// of its own.
    ///
    /// Sessions that somebody logged in with before this was set are asked about too.
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
}

impl CookieCodec for Encrypted {
    type Key = Sealer;
    const KIND: &'static str = "encrypted-cookie";

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
