//! The configuration of an application that shares its session with a Flask application: Flask's
//! defaults instead of ours, and keys as Flask takes them.

use sessions_policy::{OpenMode, SameSite};

use super::{DomainSetting, SessionConfig, env};
use crate::{error::InvalidSetting, key::SecretKey};

impl SessionConfig {
    /// Returns a configuration with the defaults of Flask 3.1 where they differ from ours: the
    /// cookie is not `Secure`, has no `SameSite` and, whatever the server's name, no domain;
    /// sessions are opened before the handler runs.
    ///
    /// # Security
    ///
    /// Set [`cookie_secure`](Self::cookie_secure) and [`cookie_samesite`](Self::cookie_samesite)
    /// here as the Flask application should: it has `SESSION_COOKIE_SECURE` and
    /// `SESSION_COOKIE_SAMESITE` for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use sessions::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::flask()
    ///     .secret_key(SecretKey::for_interoperation("the key of the Flask application")?)
    ///     .cookie_secure(true);
    /// # let _ = config;
    /// # Ok::<(), sessions::error::KeyError>(())
    /// ```
    #[must_use]
    pub fn flask() -> Self {
        Self::new()
            .cookie_domain(DomainSetting::Never)
            .cookie_secure(false)
            .cookie_samesite(SameSite::Unset)
            .open(OpenMode::Eager)
    }

    /// Reads the settings from the environment as [`from_env`](Self::from_env) does, with Flask's
    /// defaults for those that are not set, and keys of any length.
    ///
    /// # Security
    ///
    /// An attacker who guesses a short key writes sessions for both applications.
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env), and [`InvalidSetting`] for an empty fallback key.
    pub fn from_flask_env() -> Result<Self, InvalidSetting> {
        Self::from_flask_prefixed_env("")
    }

    /// Reads the settings as [`from_flask_env`](Self::from_flask_env) does, from variables whose
    /// names begin with `prefix`: `FLASK_` is what Flask's own `from_prefixed_env` reads.
    ///
    /// # Errors
    ///
    /// Those of [`from_flask_env`](Self::from_flask_env).
    pub fn from_flask_prefixed_env(prefix: &str) -> Result<Self, InvalidSetting> {
        Self::flask().with_lookup(SecretKey::for_interoperation, prefix, env::variable)
    }

    /// Reads the settings as [`from_flask_env`](Self::from_flask_env) does, from these pairs of
    /// name and value instead of the environment. Other names among them are ignored.
    ///
    /// # Errors
    ///
    /// Those of [`from_flask_env`](Self::from_flask_env).
    pub fn from_flask_vars<'v>(
        vars: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Result<Self, InvalidSetting> {
        Self::flask().with_lookup(SecretKey::for_interoperation, "", env::among(vars))
    }
}
