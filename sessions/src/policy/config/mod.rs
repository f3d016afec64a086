//! The configuration: the settings of sessions in Flask's `app.config`.

mod env;
#[cfg(feature = "flask")]
mod flask;
mod json;
mod server_name;
mod setting;
mod value;

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use sessions_policy::{CookieDomain, CookieName, CookiePath};

pub(crate) use self::server_name::DetectedDomain;
use crate::{
    key::{SecretKey, SharedKeys},
    policy::policies,
};

/// The cookie's domain in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainSetting {
    /// The cookie has no domain, whatever `server_name` is: it belongs to the host that set it.
    Never,
    /// The cookie belongs to this domain and the hosts below it.
    Domain(CookieDomain),
}

impl From<CookieDomain> for DomainSetting {
    fn from(domain: CookieDomain) -> Self {
        Self::Domain(domain)
    }
}

macro_rules! config {
    ($($group:ident { $(
        $field:ident: $type:ty $(=> $resolved:ty)? {
            what: $what:literal,
            default: $default_doc:literal $(= $default:expr)?,
            variable: $variable:literal: $values:literal,
            read: $read:expr,
            $(#[$more:meta])*
        }
    )* })*) => {
        /// The session settings of an application, in code, from a file through serde, or from
        /// the environment.
        ///
        /// A setting that is not set has the default of its policy. Attributes of the derive go above
        /// the configuration. From a file, fields carry the names of the methods here,
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
            pub(crate) secret_key_next: Option<SecretKey>,
            pub(crate) keys: Option<SharedKeys>,
            pub(crate) server_name: Option<String>,
            pub(crate) application_root: Option<CookiePath>,
            pub(crate) cookie_name: Option<CookieName>,
            pub(crate) cookie_domain: Option<DomainSetting>,
            pub(crate) cookie_path: Option<CookiePath>,
            pub(crate) salt: Option<String>,
            $($(pub(crate) $field: Option<$type>,)*)*
            /// Computed once, on first use.
            detected_domain: OnceLock<Option<DetectedDomain>>,
            /// What a backend made of the keys, once, when first asked for.
            derived_from_keys: OnceLock<Arc<dyn Any + Send + Sync>>,
        }

        impl SessionConfig {
            /// Returns a configuration in which nothing is set.
            pub const fn new() -> Self {
                Self {
                    secret_key: None,
                    secret_key_fallbacks: Vec::new(),
                    secret_key_next: None,
                    keys: None,
                    server_name: None,
                    application_root: None,
                    cookie_name: None,
                    cookie_domain: None,
                    cookie_path: None,
                    salt: None,
                    $($($field: None,)*)*
                    detected_domain: OnceLock::new(),
                    derived_from_keys: OnceLock::new(),
                }
            }

            $($(
                #[doc = concat!("Sets ", $what, ". Defaults to ", $default_doc, ".")]
                #[doc = ""]
                $(#[$more])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$type>) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            )*)*

            /// Names the policies that are set.
            pub(crate) fn names(&self) -> Vec<&'static str> {
                [
                    ("application_root", self.application_root.is_some()),
                    ("cookie_name", self.cookie_name.is_some()),
                    ("cookie_domain", self.cookie_domain.is_some()),
                    ("cookie_path", self.cookie_path.is_some()),
                    ("salt", self.salt.is_some()),
                    $($((stringify!($field), self.$field.is_some()),)*)*
                ]
                .into_iter()
                .filter_map(|(name, set)| set.then_some(name))
                .collect()
            }
        }
    };
}

policies!(config);

/// The configuration in which nothing is set.
static DEFAULTS: SessionConfig = SessionConfig::new();

impl SessionConfig {
    /// Returns the configuration in which nothing is set.
    pub fn defaults() -> &'static Self {
        &DEFAULTS
    }

    /// Sets the key that signs. Without one an interface that takes its backend from the
    /// configuration has null sessions.
    #[must_use]
    pub fn secret_key(mut self, key: SecretKey) -> Self {
        self.secret_key = Some(key);
        self.derived_from_keys = OnceLock::new();
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
        self.derived_from_keys = OnceLock::new();
        self
    }

    /// Sets the key that becomes `secret_key` next: it verifies and does not sign. Where several processes
    /// run, all of them get it before the first one signs with it ([`SharedKeys`]).
    #[must_use]
    pub fn secret_key_next(mut self, key: SecretKey) -> Self {
        self.secret_key_next = Some(key);
        self.derived_from_keys = OnceLock::new();
        self
    }

    /// Sets the keys by a handle that replaces them while the server runs. Goes above
    /// [`secret_key`](Self::secret_key), its fallbacks and the next key.
    #[must_use]
    pub fn keys(mut self, keys: impl Into<SharedKeys>) -> Self {
        self.keys = Some(keys.into());
        self.derived_from_keys = OnceLock::new();
        self
    }

    /// Sets the host name, with or without a port, that the application is reached under: the
    /// cookie's domain is derived from it unless that is set.
    ///
    /// The port and leading dots are cut off. A name without a dot gives no domain and a warning. An
    /// IP address gives itself and a warning. Any other name gives itself, with a dot in front when
    /// the cookie's path is `/`, as Flask did until 2.2.
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
    pub(crate) fn derived_from_keys<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> T,
    ) -> &T {
        let made = self.derived_from_keys.get_or_init(|| Arc::new(make()));
        made.downcast_ref().expect("one backend is made of a configuration")
    }

    /// Sets the path below which the application is mounted. Defaults to `/`.
    #[must_use]
    pub fn application_root(mut self, application_root: impl Into<CookiePath>) -> Self {
        self.application_root = Some(application_root.into());
        self
    }

    /// Sets the cookie's name. Defaults to `session`.
    #[must_use]
    pub fn cookie_name(mut self, cookie_name: impl Into<CookieName>) -> Self {
        self.cookie_name = Some(cookie_name.into());
        self
    }

    /// Sets the cookie's domain, or that there is none. Defaults to the domain of
    /// [`server_name`](Self::server_name), else none.
    #[must_use]
    pub fn cookie_domain(mut self, cookie_domain: impl Into<DomainSetting>) -> Self {
        self.cookie_domain = Some(cookie_domain.into());
        self
    }

    /// Sets the cookie's path. Defaults to [`application_root`](Self::application_root).
    #[must_use]
    pub fn cookie_path(mut self, cookie_path: impl Into<CookiePath>) -> Self {
        self.cookie_path = Some(cookie_path.into());
        self
    }

    /// Sets the salt of signatures: tokens signed with one salt are invalid under another.
    /// Defaults to one that holds the cookie's name.
    #[must_use]
    pub fn salt(mut self, salt: impl Into<String>) -> Self {
        self.salt = Some(salt.into());
        self
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
            .field("secret_key_next", &self.secret_key_next)
            .field("keys", &self.keys)
            .field("server_name", &self.server_name)
            .field("set", &self.names())
            .finish_non_exhaustive()
    }
}
