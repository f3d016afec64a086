//! The backend whose cookie is Flask's.

use crate::{
    backend::{
        Backend, DecodedToken, TokenError, TokenScope,
        cookie::{CookieCodec, CookieSessions, Plaintext},
    },
    dictionary::{Format, Limits},
    error::{ConfigError, KeyError, NullSession, OpenError, SaveError, SessionLimit},
    events::event,
    flask::{self, JsonSettings},
    interface::{
        AliveContext, CheckContext, IsAlive, OpenContext, Opened, SaveContext, Saved, known,
    },
    key::{SecretKey, SharedKeys},
    policy::SessionConfig,
    state::{MAX_KEYS, SessionState, seal_member},
    token::{
        flask::{HashAlgorithm, KeyDerivation, decode_payload, encode_payload, signer},
        signed::{Rejected, Signer},
    },
};

/// What to do without a key.
const ADVICE: &str = "set the secret key of the Flask application, in the environment \
                      `FLASK_SECRET_KEY` (the prefix and `SECRET_KEY`)";

/// Sessions in the cookie of a Flask application, which both applications read and write.
///
/// Clients can read the session and cannot change it, as with
/// [`SignedCookie`](crate::SignedCookie). The methods here set how Flask signs. Policies such as
/// `cookie_name` and `salt` belong to the interface; [`SessionConfig::from_flask_prefixed_env`] reads
/// them from Flask's settings. The [module's page](crate::flask) lists what both applications share and
/// what differs.
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

/// The format of Flask's cookie: a payload and a signature.
#[derive(Clone, Copy, Debug)]
struct Flask {
    digest: HashAlgorithm,
    derivation: KeyDerivation,
    max_inflated: usize,
    json: JsonSettings,
}

/// The encoded payload of an opened session, in the extensions of its state.
struct Payload(Vec<u8>);

impl FlaskCookie {
    /// The default of [`with_max_inflated`](Self::with_max_inflated): 64 KiB of JSON.
    pub const DEFAULT_MAX_INFLATED: usize = 64 * 1024;

    /// Returns a backend with these keys: a [`SecretKey`], a [`KeyRing`](crate::KeyRing) or a
    /// [`SharedKeys`] handle.
    ///
    /// If the Flask application has a weak key, make it with
    /// [`SecretKey::for_interoperation`](crate::SecretKey::for_interoperation).
    pub fn new(keys: impl Into<SharedKeys>) -> Self {
        Self::with_keys(Some(keys.into()))
    }

    /// Returns a backend with the keys of this configuration. Without a key, each request has the
    /// null session, as in Flask.
    pub fn from_config(config: &SessionConfig) -> Self {
        let keys = config.shared_keys();
        if keys.is_none() {
            event!(
                ConfigWarned,
                "no secret key is set, so there are no sessions: reads are empty, writes fail; {ADVICE}"
            );
        }
        Self::with_keys(keys)
    }

    fn with_keys(keys: Option<SharedKeys>) -> Self {
        let codec = Flask {
            digest: HashAlgorithm::default(),
            derivation: KeyDerivation::default(),
            max_inflated: Self::DEFAULT_MAX_INFLATED,
            json: JsonSettings { sort_keys: true, ensure_ascii: true },
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

    /// Sets how the signing key is derived from the secret key: Flask's `key_derivation`. Defaults
    /// to [`KeyDerivation::Hmac`].
    #[must_use]
    pub fn with_key_derivation(self, derivation: KeyDerivation) -> Self {
        let codec = Flask { derivation, ..self.codec };
        self.with_codec(codec)
    }

    /// Sets how many bytes of JSON a session may have: a write beyond them is
    /// [`SessionError::TooLarge`](crate::SessionError::TooLarge), and a cookie that holds more after
    /// decompression is refused. Defaults to 65,536.
    #[must_use]
    pub fn with_max_inflated(self, bytes: usize) -> Self {
        let codec = Flask { max_inflated: bytes, ..self.codec };
        self.with_codec(codec)
    }

    /// Sets where new keys stand: sorted among the others, or behind them. Flask's
    /// `app.json.sort_keys`. Defaults to `true`.
    ///
    /// Keys that came in stay in their order either way, and new ones stand behind them if they came
    /// in another order than a sorted one. A dictionary inside a new value has sorted keys.
    #[must_use]
    pub fn with_sort_keys(self, sort_keys: bool) -> Self {
        let codec = Flask { json: JsonSettings { sort_keys, ..self.codec.json }, ..self.codec };
        self.with_codec(codec)
    }

    /// Sets whether characters outside ASCII are escaped in what this application writes: Flask's
    /// `app.json.ensure_ascii`. Defaults to `true`.
    ///
    /// Set it to `false` with Flask's: an escape takes six bytes, a Chinese character three. What came
    /// in stays as it is either way, and a session that came in with such characters gets more of them
    /// unescaped.
    #[must_use]
    pub fn with_ensure_ascii(self, ensure_ascii: bool) -> Self {
        let codec = Flask { json: JsonSettings { ensure_ascii, ..self.codec.json }, ..self.codec };
        self.with_codec(codec)
    }

    fn with_codec(self, codec: Flask) -> Self {
        Self { sessions: self.sessions.map(|sessions| sessions.with_codec(codec)), codec }
    }

    /// Reads a token without a request, for tools: [`SignedCookie::decode`](crate::SignedCookie::decode).
    /// The name of the cookie does not matter: Flask's tokens are bound to a salt, `cookie-session` by
    /// default.
    ///
    /// # Errors
    ///
    /// [`TokenError`] when the token does not verify, or there is no key.
    pub fn decode(&self, token: &str, scope: TokenScope<'_>) -> Result<DecodedToken, TokenError> {
        let sessions = self.sessions.as_ref().ok_or(TokenError(Rejected::Signature))?;
        sessions.decode(token, scope)
    }

    /// Returns the handle on the keys, or `None` without a key.
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
            // Unreachable: without a key there is only the null session, which is never saved.
            None => Err(SaveError::internal(KeyError::Missing { variable: "SECRET_KEY".into() })),
        }
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        let state = self.sessions.as_ref()?.open_at_once(cx)?;
        Some(Ok(Opened::Session(state)))
    }

    fn save_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.sessions.as_ref()?.save_at_once(state, cx)
    }

    fn check(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        let sessions = self.sessions.as_ref().ok_or(ConfigError::NoKey { advice: ADVICE })?;
        sessions.check(cx, "FlaskCookie")
    }

    fn is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        self.sessions.as_ref().map_or_else(|| known(false), |sessions| sessions.is_alive(state, cx))
    }
}

impl CookieCodec for Flask {
    type Key = Signer;
    const KIND: &'static str = "flask-cookie";
    /// Flask's `SecureCookieSessionInterface.salt`.
    const SALT: Option<&'static str> = Some("cookie-session");
    const FORMAT: Format = Format::Flask;
    /// The only token that came is followed by one as Flask signs it: at the clock's second, without a
    /// number that Flask's handlers would see. Where several came, the order decides whether a session
    /// that was logged out opens again, and a number is written for two tokens of one second.
    const ORDERS_EVERY_SEAL: bool = false;

    /// The cookie is compressed, so that only its JSON has a limit that is known beforehand: what is
    /// inflated when it is read.
    fn limit(&self, _room: usize, _now: u64) -> Limits {
        let bytes = self.max_inflated;
        Limits::new(bytes, SessionLimit::Inflated { bytes }, MAX_KEYS)
    }

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

    fn json(&self, payload: Vec<u8>) -> Result<String, Rejected> {
        decode_payload(&payload, self.max_inflated)
    }

    fn read(&self, payload: Vec<u8>) -> Result<SessionState, Rejected> {
        let json = decode_payload(&payload, self.max_inflated)?;
        let json = flask::unescape_session(json).ok_or(Rejected::Format)?;
        let mut state = SessionState::from_json(json).map_err(|_| Rejected::Format)?;
        state.extensions_mut().insert(Payload(payload));
        Ok(state)
    }

    /// Keeps the payload of an unchanged session byte for byte: Flask's zlib may compress
    /// differently.
    fn write(&self, state: &SessionState, number: u64) -> Result<Vec<u8>, SaveError> {
        if let Some(Payload(payload)) = state.extensions().get()
            && number == 0
            && state.is_as_opened()
        {
            return Ok(payload.clone());
        }
        let number = seal_member(number).map(|(key, number)| (key, number.to_string()));
        let number = number.as_ref().map(|(key, json)| (*key, &**json));
        let json = flask::session_to_json(state.dictionary(), self.json, number);
        let (length, limit) = (json.len(), self.max_inflated);
        if length > limit {
            // It would not be read again. In ASCII it may be longer than when it was written.
            let largest_key = state.largest_key().map(Into::into);
            return Err(SaveError::PayloadTooLarge { length, limit, largest_key });
        }
        Ok(encode_payload(&json).into_bytes())
    }
}
