//! The configuration: Flask's `app.config` as far as sessions go.

mod env;
#[cfg(feature = "flask")]
mod flask;
mod server_name;
mod setting;

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use sessions_policy::{
    CookieDomain, CookieName, CookiePath, ImportMode, OnDecodeError, OnGone, OnLoadError,
    OnSaveError, OpenMode, SameSite, SaveWhen,
};

pub(crate) use self::server_name::DetectedDomain;
use crate::key::{SecretKey, SharedKeys};

/// The cookie's domain as a configuration says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainSetting {
    /// The cookie has no domain, whatever `server_name` says: it belongs to the host that set it.
    Never,
    /// The cookie belongs to this domain and the hosts below it.
    Domain(CookieDomain),
}

impl From<CookieDomain> for DomainSetting {
    fn from(domain: CookieDomain) -> Self {
        Self::Domain(domain)
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// The session settings of an application, in code, from a file through serde, or from
        /// the environment.
        ///
        /// What is not set falls back to the default of the policy. Attributes of the derive go
        /// above the configuration. From a file, fields carry the names of the methods here,
        /// durations are texts such as `"14 days"` or numbers of seconds, and keys are their
        /// bytes as they are.
        ///
        /// # Examples
        ///
        /// ```
        /// use std::time::Duration;
        /// use sessions::{policy::CookieName, SecretKey, SessionConfig};
        ///
        /// let config = SessionConfig::new()
        ///     .secret_key(SecretKey::generate())
        ///     .cookie_name(CookieName::from_static("__Host-app"))
        ///     .lifetime(Duration::from_secs(14 * 24 * 60 * 60));
        /// # let _ = config;
        /// ```
        #[derive(Clone, Default)]
        pub struct SessionConfig {
            pub(crate) secret_key: Option<SecretKey>,
            pub(crate) secret_key_fallbacks: Vec<SecretKey>,
            pub(crate) keys: Option<SharedKeys>,
            pub(crate) server_name: Option<String>,
            $(pub(crate) $field: Option<$type>,)*
            /// Worked out once, when first asked for.
            detected_domain: OnceLock<Option<DetectedDomain>>,
            /// What a backend made of the keys, once, when first asked for.
            from_keys: OnceLock<Arc<dyn Any + Send + Sync>>,
        }

        impl SessionConfig {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$type>) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            )*

            /// Names the policies that are set.
            pub(crate) fn names(&self) -> Vec<&'static str> {
                [$((stringify!($field), self.$field.is_some()),)*]
                    .into_iter()
                    .filter_map(|(name, set)| set.then_some(name))
                    .collect()
            }
        }
    };
}

settings! {
    /// Sets the cookie's name. Defaults to `session`.
    cookie_name: CookieName,
    /// Sets the cookie's domain, or that there is none. Defaults to what
    /// [`server_name`](Self::server_name) says, else none.
    cookie_domain: DomainSetting,
    /// Sets the cookie's path. Defaults to [`application_root`](Self::application_root).
    cookie_path: CookiePath,
    /// Sets the path below which the application is mounted. Defaults to `/`.
    application_root: CookiePath,
    /// Sets whether scripts are kept from the cookie. Defaults to `true`.
    ///
    /// # Security
    ///
    /// Without it any script on the page can read the token (OWASP Session Management, `HttpOnly`).
    cookie_httponly: bool,
    /// Sets whether the cookie is sent over https only. Defaults to `true`; Flask's default is
    /// `false`.
    ///
    /// # Security
    ///
    /// Without it whoever sees the network takes over sessions (OWASP Session Management,
    /// `Secure`). Chromium, Firefox and curl send `Secure` cookies to `http://localhost`; Safari
    /// does not.
    cookie_secure: bool,
    /// Sets which requests from other sites carry the cookie. Defaults to [`SameSite::Lax`];
    /// Flask's default is [`SameSite::Unset`].
    cookie_samesite: SameSite,
    /// Sets whether the cookie belongs to one top-level site (CHIPS). Defaults to `false`.
    cookie_partitioned: bool,
    /// Sets whether new sessions outlive the browser session. Defaults to `false`.
    permanent: bool,
    /// Sets the age limit of tokens, permanent or not, and the expiry of permanent cookies: at
    /// most 400 days. Defaults to 31 days.
    lifetime: Duration,
    /// Sets whether permanent sessions get a fresh cookie with each response that used them.
    /// Defaults to `true`.
    refresh_each_request: bool,
    /// Sets the salt of signatures: tokens signed with one salt are worth nothing under another.
    /// Defaults to one that holds the cookie's name.
    salt: String,
    /// Sets when sessions are opened. Defaults to [`OpenMode::Lazy`].
    open: OpenMode,
    /// Sets which responses save the data. Defaults to [`SaveWhen::Always`], as Flask does.
    save_when: SaveWhen,
    /// Sets what a failed opening leads to. Defaults to [`OnLoadError::Error`].
    ///
    /// # Security
    ///
    /// With [`OnLoadError::Null`] an outage looks to handlers like a client who is not logged in
    /// (OWASP ASVS 5.0, 16.5.3: fail securely).
    on_load_error: OnLoadError,
    /// Sets what a failed saving leads to. Defaults to [`OnSaveError::Error`].
    on_save_error: OnSaveError,
    /// Sets what a request gets whose session was ended by someone else while it ran, and which
    /// changed it. Defaults to [`OnGone::Error`].
    on_gone: OnGone,
    /// Sets what a field of typed content that does not parse leads to. Defaults to
    /// [`OnDecodeError::Default`].
    on_decode_error: OnDecodeError,
    /// Sets what becomes of a session elsewhere that is taken over. Defaults to
    /// [`ImportMode::Copy`].
    import: ImportMode,
    /// Sets how long a session may go unused before it ends. Defaults to no limit.
    idle_timeout: Duration,
    /// Sets how long a session may last at all, however much it is used. Defaults to no limit.
    absolute_timeout: Duration,
    /// Sets how much of the idle time must have passed before a use is noted. Defaults to 60
    /// seconds.
    touch_interval: Duration,
    /// Sets how long a token from before a renewal may read, for requests that are under way: at
    /// most 60 seconds. Defaults to zero.
    ///
    /// # Security
    ///
    /// Whoever has the token from before a login reads the session for so long.
    renew_grace: Duration,
}

/// The configuration that nobody touched.
static DEFAULTS: SessionConfig = SessionConfig::new();

impl SessionConfig {
    /// Returns a configuration in which nothing is set.
    pub const fn new() -> Self {
        Self {
            secret_key: None,
            secret_key_fallbacks: Vec::new(),
            keys: None,
            server_name: None,
            cookie_name: None,
            cookie_domain: None,
            cookie_path: None,
            application_root: None,
            cookie_httponly: None,
            cookie_secure: None,
            cookie_samesite: None,
            cookie_partitioned: None,
            permanent: None,
            lifetime: None,
            refresh_each_request: None,
            salt: None,
            open: None,
            save_when: None,
            on_load_error: None,
            on_save_error: None,
            on_gone: None,
            on_decode_error: None,
            import: None,
            idle_timeout: None,
            absolute_timeout: None,
            touch_interval: None,
            renew_grace: None,
            detected_domain: OnceLock::new(),
            from_keys: OnceLock::new(),
        }
    }

    /// Returns the configuration that nobody touched.
    pub fn defaults() -> &'static Self {
        &DEFAULTS
    }

    /// Sets the key that signs. Without one an interface that takes its backend from the
    /// configuration has null sessions.
    #[must_use]
    pub fn secret_key(mut self, key: SecretKey) -> Self {
        self.secret_key = Some(key);
        self.from_keys = OnceLock::new();
        self
    }

    /// Adds a key that verifies tokens from before a change of keys, and never signs.
    ///
    /// # Security
    ///
    /// A key that has leaked must not become a fallback.
    #[must_use]
    pub fn secret_key_fallback(mut self, key: SecretKey) -> Self {
        self.secret_key_fallbacks.push(key);
        self.from_keys = OnceLock::new();
        self
    }

    /// Sets the keys by a handle that replaces them while the server runs. Goes above
    /// [`secret_key`](Self::secret_key) and its fallbacks.
    #[must_use]
    pub fn keys(mut self, keys: impl Into<SharedKeys>) -> Self {
        self.keys = Some(keys.into());
        self.from_keys = OnceLock::new();
        self
    }

    /// Sets the host name, with or without a port, that the application is reached under: the
    /// cookie's domain is worked out from it unless that is set.
    ///
    /// The port and leading dots are cut off. A name without a dot gives no domain and a warning,
    /// an IP address itself and a warning. Any other name gives itself, with a dot in front when
    /// the cookie's path is `/`, as Flask had it.
    #[must_use]
    pub fn server_name(mut self, server_name: impl Into<String>) -> Self {
        self.server_name = Some(server_name.into());
        self.detected_domain = OnceLock::new();
        self
    }

    /// Returns what `make` makes of the keys: once, until other keys are set.
    ///
    /// # Panics
    ///
    /// When it was asked for another type before.
    pub(crate) fn from_keys<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> &T {
        let made = self.from_keys.get_or_init(|| Arc::new(make()));
        made.downcast_ref().expect("one backend is made of a configuration")
    }

    pub(crate) fn detected_domain(&self) -> Option<&DetectedDomain> {
        let detect = || DetectedDomain::from_server_name(self.server_name.as_deref()?);
        self.detected_domain.get_or_init(detect).as_ref()
    }
}

impl fmt::Debug for SessionConfig {
    /// Shows which settings are set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig")
            .field("secret_key", &self.secret_key)
            .field("secret_key_fallbacks", &self.secret_key_fallbacks)
            .field("keys", &self.keys)
            .field("server_name", &self.server_name)
            .field("set", &self.names())
            .finish_non_exhaustive()
    }
}
