//! The configuration as a backend, for interfaces that have no other.

use super::{Backend, SignedCookie};
use crate::{
    error::{ConfigError, KeyError, NullSession, OpenError, SaveError},
    events::event,
    interface::{
        AliveContext, CheckContext, IsAlive, OpenContext, Opened, SaveContext, Saved, known,
    },
    key::{KeyRing, SharedKeys},
    policy::SessionConfig,
    state::SessionState,
};

/// Flask's own default: cookies signed with the configuration's key, and the null session when no key
/// is set.
impl Backend for SessionConfig {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        match self.signed_cookie() {
            Some(backend) => backend.open(cx).await,
            None => Ok(Opened::Null(NullSession::no_secret_key())),
        }
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        match self.signed_cookie() {
            Some(backend) => backend.save(state, cx).await,
            // Without a key all sessions are null sessions, which are never saved.
            None => Err(SaveError::internal(KeyError::Missing { variable: "SECRET_KEY".into() })),
        }
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        self.signed_cookie()?.open_at_once(cx)
    }

    fn save_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.signed_cookie()?.save_at_once(state, cx)
    }

    fn check(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        match self.shared_keys() {
            Some(keys) => SignedCookie::new(keys).check(cx),
            None => Err(ConfigError::NoKey { advice: self.key_advice() }),
        }
    }

    fn is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        self.signed_cookie().map_or_else(|| known(false), |backend| backend.is_alive(state, cx))
    }
}

impl SessionConfig {
    /// Returns the backend of an interface that has only a configuration, if a key is set.
    fn signed_cookie(&self) -> Option<&SignedCookie> {
        let make = || {
            let keys = self.shared_keys();
            if keys.is_none() {
                event!(
                    ConfigWarned,
                    "no secret key is set, so there are no sessions: reads are empty, writes fail; \
                     set `secret_key` in the `SessionConfig`, or `SECRET_KEY` where it is read from \
                     the environment, to what `openssl rand -base64 48` prints"
                );
            }
            keys.map(SignedCookie::new)
        };
        self.derived_from_keys(make).as_ref()
    }

    fn key_advice(&self) -> &'static str {
        if self.secret_key_fallbacks.is_empty() && self.secret_key_next.is_none() {
            "set `secret_key` in the `SessionConfig`, or `SECRET_KEY` where it is read from the \
             environment, to what `openssl rand -base64 48` prints, or give the interface a `backend`"
        } else {
            "fallbacks and the next key only verify: set `secret_key` in the `SessionConfig`, or `SECRET_KEY` where it is \
             read from the environment, to what `openssl rand -base64 48` prints"
        }
    }

    /// Returns the keys, if any are set.
    pub(crate) fn shared_keys(&self) -> Option<SharedKeys> {
        self.keys.clone().or_else(|| {
            let ring = KeyRing::new(self.secret_key.clone()?);
            let fallbacks = self.secret_key_fallbacks.iter().cloned();
            let ring = fallbacks.fold(ring, KeyRing::with_fallback);
            let next = self.secret_key_next.iter().cloned();
            Some(next.fold(ring, KeyRing::with_next).into())
        })
    }
}
