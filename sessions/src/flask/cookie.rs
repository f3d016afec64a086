//! Sessions kept in Flask's cookie.

use crate::{
    backend::{
        Backend,
        cookie::{CookieCodec, CookieSessions, Plaintext},
    },
    dictionary::Format,
    error::{KeyError, NullSession, OpenError, SaveError},
    flask,
    interface::{OpenContext, Opened, SaveContext, Saved},
    key::{SecretKey, SharedKeys},
    policy::SessionConfig,
    state::SessionState,
    token::{
        flask::{HashAlgorithm, KeyDerivation, decode_payload, encode_payload, signer},
        signed::{Rejected, Signer},
    },
};

/// Sessions that live in the cookie of a Flask application: both read and write it.
///
/// What is said of [`SignedCookie`](crate::SignedCookie) goes for it as well. How Flask signs is
/// set here; the policies `cookie_name`, `salt` and so on are those of the interface, and
/// [`SessionConfig::from_flask_env`] takes them from Flask's settings. The
/// [module's page](crate::flask) says what is the same in both, and what is not.
///
/// # Examples
///
/// ```
/// use sessions::{flask::FlaskCookie, SessionConfig, SessionInterface};
///
/// #[derive(Clone, SessionInterface)]
/// struct Shared {
///     config: SessionConfig,
///     backend: FlaskCookie,
/// }
///
/// let config = SessionConfig::from_flask_vars([("SECRET_KEY", "dev")])?;
/// let sessions = Shared { backend: FlaskCookie::from_config(&config), config };
/// sessions.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlaskCookie {
    /// `None` without a key: the null session.
    sessions: Option<CookieSessions<Flask>>,
    codec: Flask,
}

/// Flask's payload, and a signature.
#[derive(Clone, Copy, Debug)]
struct Flask {
    digest: HashAlgorithm,
    derivation: KeyDerivation,
    max_inflated: usize,
}

/// The payload that a session was opened with, as it stood in its token. Attached to the
/// dictionary.
struct Payload(Vec<u8>);

impl FlaskCookie {
    /// The longest content of a session, in bytes of JSON, unless
    /// [`with_max_inflated`](Self::with_max_inflated) says otherwise: 64 KiB.
    pub const DEFAULT_MAX_INFLATED: usize = 64 * 1024;

    /// Returns a backend that signs with this key, or with the current one of this ring or of what
    /// this handle holds.
    ///
    /// Keys that other constructors refuse come from
    /// [`SecretKey::for_interoperation`](crate::SecretKey::for_interoperation).
    pub fn new(keys: impl Into<SharedKeys>) -> Self {
        Self::with_keys(Some(keys.into()))
    }

    /// Returns a backend with the keys of this configuration. Without a key there is the null
    /// session, as in Flask.
    pub fn from_config(config: &SessionConfig) -> Self {
        let keys = config.shared_keys();
        if keys.is_none() {
            tracing::warn!(
                target: "sessions",
                "no secret key is set, so there are no sessions: reads are empty, writes fail; set \
                 `SECRET_KEY` to that of the Flask application"
            );
        }
        Self::with_keys(keys)
    }

    fn with_keys(keys: Option<SharedKeys>) -> Self {
        let codec = Flask {
            digest: HashAlgorithm::default(),
            derivation: KeyDerivation::default(),
            max_inflated: Self::DEFAULT_MAX_INFLATED,
        };
        Self { sessions: keys.map(|keys| CookieSessions::new(keys, codec)), codec }
    }

    /// Sets the hash function of the signatures: Flask's `digest_method`. Defaults to
    /// [`HashAlgorithm::Sha1`].
    #[must_use]
    pub fn with_hash(self, digest: HashAlgorithm) -> Self {
        let codec = Flask { digest, ..self.codec };
        self.with_codec(codec)
    }

    /// Sets how the signing key comes from the secret key: Flask's `key_derivation`. Defaults to
    /// [`KeyDerivation::Hmac`].
    #[must_use]
    pub fn with_key_derivation(self, derivation: KeyDerivation) -> Self {
        let codec = Flask { derivation, ..self.codec };
        self.with_codec(codec)
    }

    /// Sets how many bytes of JSON a cookie may hold once it is inflated; one that holds more is no
    /// session. Defaults to 65,536.
    #[must_use]
    pub fn with_max_inflated(self, bytes: usize) -> Self {
        let codec = Flask { max_inflated: bytes, ..self.codec };
        self.with_codec(codec)
    }

    fn with_codec(self, codec: Flask) -> Self {
        Self { sessions: self.sessions.map(|sessions| sessions.with_codec(codec)), codec }
    }

    /// Returns the handle on the keys, if there are any.
    pub fn keys(&self) -> Option<&SharedKeys> {
        self.sessions.as_ref().map(CookieSessions::keys)
    }
}

impl Backend for FlaskCookie {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        match &self.sessions {
            Some(sessions) => sessions.open(cx).await.map(Opened::Session),
            None => Ok(Opened::Null(NullSession::no_secret_key())),
        }
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        match &self.sessions {
            Some(sessions) => sessions.save(state, cx).await,
            // Without a key there is the null session, which is never saved.
            None => Err(SaveError::internal(KeyError::Missing { variable: "SECRET_KEY".into() })),
        }
    }
}

impl CookieCodec for Flask {
    type Key = Signer;
    const KIND: &'static str = "flask-cookie";
    /// Flask's `SecureCookieSessionInterface.salt`.
    const SALT: Option<&'static str> = Some("cookie-session");
    const FORMAT: Format = Format::Flask;

    fn key(&self, key: &SecretKey, salt: &str) -> Signer {
        signer(key, salt.as_bytes(), self.digest, self.derivation)
    }

    fn open(signer: &Signer, token: &[u8]) -> Result<Plaintext, Rejected> {
        let verified = signer.verify(token)?;
        Ok(Plaintext { payload: verified.text().to_vec(), sealed_at: verified.signed_at })
    }

    fn seal(signer: &Signer, payload: &[u8], now: u64) -> Result<String, SaveError> {
        Ok(signer.sign_text(payload, now))
    }

    fn read(&self, payload: Vec<u8>) -> Result<SessionState, Rejected> {
        let json = decode_payload(&payload, self.max_inflated)?;
        let json = flask::unescaped(json).ok_or(Rejected::Format)?;
        let mut state = SessionState::from_json(json).map_err(|_| Rejected::Format)?;
        state.extensions_mut().insert(Payload(payload));
        Ok(state)
    }

    /// A session that did not change keeps its payload to the byte, whoever compressed it.
    fn write(&self, state: &SessionState) -> Vec<u8> {
        match state.extensions().get() {
            Some(Payload(payload)) if state.is_as_opened() => payload.clone(),
            _ => encode_payload(&flask::session(state.dictionary())).into_bytes(),
        }
    }
}
