//! Sessions kept in the cookie, signed: readable by the client, not writable.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use super::Backend;
use crate::{
    context::{OpenContext, SaveContext, Saved, unix_seconds},
    dictionary::Dictionary,
    error::{OpenError, SaveError},
    key::KeyRing,
    settings::Settings,
    token::signed::{Digest, Rejected, Signer, check_age},
};

/// How far ahead of this host's clock a token may be signed: hosts' clocks differ.
const LEEWAY: Duration = Duration::from_secs(60);
/// How many salts have their signing states kept: one for each cookie name in use.
const MAX_SALTS: usize = 64;

/// Sessions that live in their cookie, signed with HMAC in the format of itsdangerous.
///
/// No store, nothing to scale: the client carries the session, at most 4,096 bytes with its name.
/// A token is signed for one cookie name (or for the policy `salt`), with the time, and is refused
/// when it is older than the lifetime or more than 60 seconds ahead. Tokens under a fallback key
/// verify, and are signed anew in the response.
///
/// # Security
///
/// - **The client can read the session.** Keep no secrets in it.
/// - **A copied cookie goes on.** Logging out makes the browser forget the cookie; it cannot end a
///   copy of it, nor does a renewal. A copy that is used is signed anew like any session, so only
///   `absolute_timeout` ends it (OWASP ASVS 5.0, 7.4.1).
/// - **Of two concurrent requests, the response that comes last wins.** Each writes the whole
///   session.
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
/// # Ok::<(), sessions::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SignedCookie {
    keys: KeyRing,
    digest: Digest,
    signers: Arc<Signers>,
}

impl SignedCookie {
    /// Returns a backend that signs with this key, or with the current one of this ring.
    pub fn new(keys: impl Into<KeyRing>) -> Self {
        Self { keys: keys.into(), digest: Digest::default(), signers: Arc::default() }
    }

    /// Sets the hash function of the signatures. Defaults to [`Digest::Sha256`].
    ///
    /// Tokens under another one do not verify: changing it ends all sessions.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest, signers: Arc::default(), ..self }
    }

    fn signers(&self, settings: &Settings, cookie_name: &str) -> Arc<SaltSigners> {
        let salt = settings.salt().map_or(Salt::OfCookie(cookie_name), Salt::Whole);
        self.signers.get(salt, &self.keys, self.digest)
    }
}

impl Backend for SignedCookie {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Option<Dictionary>, OpenError> {
        if cx.cookies().is_empty() {
            return Ok(Some(Dictionary::new()));
        }
        let signers = self.signers(cx.settings(), cx.cookie().name().as_str());
        let mut newest: Option<Opened> = None;
        for token in cx.cookies().iter() {
            match open_token(token, &signers, cx) {
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
        if dictionary.is_empty() {
            return Ok(Saved::Removed);
        }
        let signers = self.signers(cx.settings(), cx.cookie().name().as_str());
        let token = signers.current().sign(dictionary.to_json().as_bytes(), unix_seconds(cx.now()));
        Ok(Saved::Token(token))
    }
}

struct Opened {
    signed_at: u64,
    dictionary: Dictionary,
}

fn open_token(
    token: &[u8],
    signers: &SaltSigners,
    cx: &OpenContext<'_>,
) -> Result<Opened, Rejected> {
    let settings = cx.settings();
    let now = unix_seconds(cx.now());
    let (verified, by_fallback) = signers.verify(|signer| signer.verify(token))?;
    let signed_at = verified.signed_at;
    let age_limit =
        settings.idle_timeout().map_or(settings.lifetime(), |idle| idle.min(settings.lifetime()));
    check_age(signed_at, now, age_limit.as_secs(), LEEWAY.as_secs())?;
    let json = String::from_utf8(verified.decode()?).map_err(|_| Rejected::Format)?;
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
    Ok(Opened { signed_at, dictionary })
}

/// What signatures are bound to besides the key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Salt<T> {
    /// The policy `salt`.
    Whole(T),
    /// The cookie's name: a value signed for one cookie is worth nothing in another.
    OfCookie(T),
    /// The cookie's name, or the policy `salt`: ids of records are signed apart from sessions.
    OfIds(T),
}

/// The signing states of a ring for one salt.
#[derive(Debug)]
pub(super) struct SaltSigners {
    salt: Salt<String>,
    /// The one that signs first, then the fallbacks.
    signers: Vec<Signer>,
}

impl SaltSigners {
    fn new(salt: Salt<&str>, keys: &KeyRing, digest: Digest) -> Self {
        let (salt, text) = match salt {
            Salt::Whole(salt) => (Salt::Whole(salt.to_owned()), salt.to_owned()),
            Salt::OfCookie(name) => {
                (Salt::OfCookie(name.to_owned()), format!("sessions.signed-cookie.{name}"))
            }
            Salt::OfIds(name) => {
                (Salt::OfIds(name.to_owned()), format!("sessions.server-side.{name}"))
            }
        };
        let signers = keys.iter().map(|key| Signer::new(key, text.as_bytes(), digest)).collect();
        Self { salt, signers }
    }

    fn is_for(&self, salt: Salt<&str>) -> bool {
        match (&self.salt, salt) {
            (Salt::Whole(mine), Salt::Whole(other))
            | (Salt::OfCookie(mine), Salt::OfCookie(other))
            | (Salt::OfIds(mine), Salt::OfIds(other)) => mine == other,
            _ => false,
        }
    }

    pub(super) fn current(&self) -> &Signer {
        &self.signers[0]
    }

    /// Has each key look at the token, until one finds its signature right. Tells whether that was
    /// a fallback.
    pub(super) fn verify<V>(
        &self,
        verify: impl Fn(&Signer) -> Result<V, Rejected>,
    ) -> Result<(V, bool), Rejected> {
        let mut result = Err(Rejected::Format);
        for (at, signer) in self.signers.iter().enumerate() {
            result = verify(signer).map(|verified| (verified, at > 0));
            if !matches!(result, Err(Rejected::Signature)) {
                break;
            }
        }
        result
    }
}

/// The signing states of the salts in use: the first one without a lock, since most applications
/// have one cookie name.
#[derive(Debug, Default)]
pub(super) struct Signers {
    first: OnceLock<Arc<SaltSigners>>,
    others: Mutex<VecDeque<Arc<SaltSigners>>>,
}

impl Signers {
    pub(super) fn get(&self, salt: Salt<&str>, keys: &KeyRing, digest: Digest) -> Arc<SaltSigners> {
        let make = || Arc::new(SaltSigners::new(salt, keys, digest));
        let first = self.first.get_or_init(make);
        if first.is_for(salt) {
            return Arc::clone(first);
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = others.iter().find(|signers| signers.is_for(salt)) {
            return Arc::clone(found);
        }
        if others.len() == MAX_SALTS {
            others.pop_front();
        }
        let made = make();
        others.push_back(Arc::clone(&made));
        made
    }
}
