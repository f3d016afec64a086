//! Sessions kept in Flask's cookie.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use super::Backend;
use crate::{
    config::SessionConfig,
    context::{OpenContext, SaveContext, Saved, unix_seconds},
    dictionary::Dictionary,
    error::{KeyError, OpenError, SaveError},
    flask::canonical::{self, Dicts},
    key::KeyRing,
    null::NullSession,
    token::{
        flask::{Digest, KeyDerivation, decode_payload, encode_payload, signer},
        signed::{Rejected, Signer, check_age},
    },
};

/// How far ahead of this host's clock a token may be signed: hosts' clocks differ.
const LEEWAY: Duration = Duration::from_secs(60);
/// Flask's `SecureCookieSessionInterface.salt`.
const SALT: &str = "cookie-session";

/// Sessions that live in the cookie of a Flask application: both read and write it.
///
/// # Examples
///
/// ```
/// use sessions::{SessionConfig, SessionInterface, flask::FlaskCookie};
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
#[derive(Clone)]
pub struct FlaskCookie {
    keys: Option<KeyRing>,
    digest: Digest,
    derivation: KeyDerivation,
    max_inflated: usize,
}

impl FlaskCookie {
    /// The longest content of a session, in bytes of JSON, unless
    /// [`with_max_inflated`](Self::with_max_inflated) says otherwise: 64 KiB.
    pub const DEFAULT_MAX_INFLATED: usize = 64 * 1024;

    /// Returns a backend that signs with this key, or with the current one of this ring.
    pub fn new(keys: impl Into<KeyRing>) -> Self {
        Self::with_keys(Some(keys.into()))
    }

    /// Returns a backend with the keys of this configuration. Without a `secret_key` there is the
    /// null session, as in Flask.
    pub fn from_config(config: &SessionConfig) -> Self {
        let key = config.secret_key.clone();
        let ring = key.map(|key| {
            let fallbacks = config.secret_key_fallbacks.iter().cloned();
            fallbacks.fold(KeyRing::new(key), KeyRing::with_fallback)
        });
        Self::with_keys(ring)
    }

    fn with_keys(keys: Option<KeyRing>) -> Self {
        Self {
            keys,
            digest: Digest::default(),
            derivation: KeyDerivation::default(),
            max_inflated: Self::DEFAULT_MAX_INFLATED,
        }
    }

    /// Sets the hash function of the signatures: Flask's `digest_method`. Defaults to
    /// [`Digest::Sha1`].
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    /// Sets how the signing key comes from the secret key: Flask's `key_derivation`. Defaults to
    /// [`KeyDerivation::Hmac`].
    #[must_use]
    pub fn with_key_derivation(self, derivation: KeyDerivation) -> Self {
        Self { derivation, ..self }
    }

    /// Sets how many bytes of JSON a cookie may hold once it is inflated; one that holds more is no
    /// session. Defaults to 65,536.
    #[must_use]
    pub fn with_max_inflated(self, bytes: usize) -> Self {
        Self { max_inflated: bytes, ..self }
    }

    fn signers(&self, keys: &KeyRing, salt: Option<&str>) -> Vec<Signer> {
        let salt = salt.unwrap_or(SALT);
        keys.iter().map(|key| signer(key, salt.as_bytes(), self.digest, self.derivation)).collect()
    }
}

/// The payload that a session was opened with, as it stood in its token.
struct Payload(Box<str>);

impl Backend for FlaskCookie {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Option<Dictionary>, OpenError> {
        let Some(keys) = &self.keys else {
            return Ok(cx.no_session(NullSession::no_secret_key()));
        };
        if cx.cookies().is_empty() {
            return Ok(Some(Dictionary::new()));
        }
        let signers = self.signers(keys, cx.settings().salt());
        let mut newest: Option<Opened> = None;
        for token in cx.cookies().iter() {
            match open_token(token, &signers, self.max_inflated, cx) {
                Ok(opened) => {
                    if let Some(former) = &newest {
                        tracing::warn!(target: "sessions", "two different session cookies verify; the newer is used");
                        if former.signed_at >= opened.signed_at {
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
        Ok(Some(newest.map_or_else(Dictionary::new, |opened| opened.dictionary)))
    }

    async fn save(
        &self,
        dictionary: &Dictionary,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let Some(keys) = &self.keys else {
            // Without a key there is the null session, which is never saved.
            return Err(SaveError::internal(KeyError::Missing { variable: "SECRET_KEY".into() }));
        };
        if dictionary.is_empty() {
            return Ok(Saved::Removed);
        }
        let signers = self.signers(keys, cx.settings().salt());
        let now = unix_seconds(cx.now());
        let token = match dictionary.attachment() {
            Some(Payload(payload)) if dictionary.is_as_opened() => {
                signers[0].sign_text(payload, now)
            }
            _ => {
                let json = canonical::dictionary(dictionary.members(), Dicts::Plain);
                signers[0].sign_text(&encode_payload(&json), now)
            }
        };
        Ok(Saved::Token(token))
    }
}

struct Opened {
    signed_at: u64,
    dictionary: Dictionary,
}

fn open_token(
    token: &[u8],
    signers: &[Signer],
    max_inflated: usize,
    cx: &OpenContext<'_>,
) -> Result<Opened, Rejected> {
    let settings = cx.settings();
    let now = unix_seconds(cx.now());
    let mut found = Err(Rejected::Format);
    for (at, signer) in signers.iter().enumerate() {
        found = signer.verify(token).map(|verified| (verified, at > 0));
        if !matches!(found, Err(Rejected::Signature)) {
            break;
        }
    }
    let (verified, by_fallback) = found?;
    let signed_at = verified.signed_at;
    let age_limit =
        settings.idle_timeout().map_or(settings.lifetime(), |idle| idle.min(settings.lifetime()));
    check_age(signed_at, now, age_limit.as_secs(), LEEWAY.as_secs())?;
    let json = decode_payload(verified.text(), max_inflated)?;
    let mut dictionary = Dictionary::from_json(json).map_err(|_| Rejected::Format)?;

    if let Some(limit) = settings.absolute_timeout() {
        // A session from before the limit was set began, at the latest, when it was signed.
        let started = dictionary.started().unwrap_or(UNIX_EPOCH + Duration::from_secs(signed_at));
        check_age(unix_seconds(started), now, limit.as_secs(), LEEWAY.as_secs())?;
        dictionary.set_started(started);
    }
    let idle_for = Duration::from_secs(now.saturating_sub(signed_at));
    if by_fallback || settings.idle_timeout().is_some() && idle_for >= settings.touch_interval() {
        dictionary.request_refresh();
    }
    let payload = std::str::from_utf8(verified.text()).map_err(|_| Rejected::Format)?;
    dictionary.attach(Payload(payload.into()));
    Ok(Opened { signed_at, dictionary })
}

impl fmt::Debug for FlaskCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlaskCookie")
            .field("keys", &self.keys)
            .field("digest", &self.digest)
            .field("key_derivation", &self.derivation)
            .field("max_inflated", &self.max_inflated)
            .finish_non_exhaustive()
    }
}
