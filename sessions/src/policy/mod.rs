//! Policies: each comes from an attribute of the derive, else from the configuration, else from its
//! default.

mod config;
mod effects;
mod limits;
mod list;
mod once;
mod overrides;
mod resolve;
mod settings;
mod table;

use std::{borrow::Cow, time::Duration};

pub use sessions_policy::{
    CookieDomain, CookieName, CookiePath, CookiePolicy, ImportMode, OnDecodeError, OnGone,
    OnLoadError, OnSaveError, OpenMode, SameSite, SaveWhen,
};
use sessions_policy::{MAX_COOKIE_LIFETIME, NamePrefix};

use self::overrides::FixedDomain;
pub use self::{
    config::{DomainSetting, SessionConfig},
    list::{ListedPolicy, PolicySource},
    overrides::Overrides,
    settings::Settings,
};
pub(crate) use self::{
    effects::{BackendTraits, without_effect, without_typed_content},
    limits::{PolicyLimits, SessionLimits, shorter},
    once::is_first,
    table::policies,
};

/// Flask's default name.
const DEFAULT_COOKIE_NAME: &str = "session";
/// Flask's default lifetime.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(31 * 24 * 60 * 60);
const DEFAULT_ANONYMOUS_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_TOUCH_INTERVAL: Duration = Duration::from_secs(60);
/// Longer than the requests of a page load, which must not fail at a rotation; short for a stolen token.
const DEFAULT_ROTATE_GRACE: Duration = Duration::from_secs(10);

/// The policies of an interface as far as they do not depend on a request: attribute, else
/// configuration, else default.
///
/// The policies of [`SessionInterface`](trait@crate::SessionInterface) return these by default.
#[derive(Clone, Copy, Debug)]
pub struct Policies<'i> {
    overrides: &'static Overrides,
    config: &'i SessionConfig,
}

impl<'i> Policies<'i> {
    pub(crate) fn new(overrides: &'static Overrides, config: &'i SessionConfig) -> Self {
        Self { overrides, config }
    }

    /// Returns the cookie's name. Defaults to `session`.
    pub fn cookie_name(&self) -> &'i str {
        let configured = || self.config.cookie_name.as_ref().map(CookieName::as_str);
        self.overrides.cookie_name.or_else(configured).unwrap_or(DEFAULT_COOKIE_NAME)
    }

    /// Returns the cookie's domain. Defaults to the domain of `server_name` if that is set, else none.
    pub fn cookie_domain(&self) -> Option<Cow<'i, str>> {
        self.cookie_domain_for(|| (self.cookie_name().into(), self.cookie_path().into()))
    }

    /// Returns the domain of a cookie of this name and path, which are computed only where the
    /// domain depends on them.
    pub(crate) fn cookie_domain_for<'n>(
        &self,
        name_and_path: impl FnOnce() -> (Cow<'n, str>, Cow<'n, str>),
    ) -> Option<Cow<'i, str>> {
        match (self.overrides.cookie_domain, &self.config.cookie_domain) {
            (Some(FixedDomain::Never), _) | (None, Some(DomainSetting::Never)) => None,
            (Some(FixedDomain::Domain(domain)), _) => Some(domain.into()),
            (None, Some(DomainSetting::Domain(domain))) => Some(domain.as_str().into()),
            (None, None) => {
                let detected = self.config.detected_domain()?;
                let (name, path) = name_and_path();
                // Browsers refuse a `__Host-` cookie with a domain, so none is detected for it.
                (!NamePrefix::of(&name).is_host()).then(|| detected.for_path(&path).into())
            }
        }
    }

    /// Returns the cookie's path. Defaults to the configuration's `application_root`, else `/`.
    pub fn cookie_path(&self) -> &'i str {
        let configured =
            || self.config.cookie_path.as_ref().or(self.config.application_root.as_ref());
        self.overrides.cookie_path.or_else(|| configured().map(CookiePath::as_str)).unwrap_or("/")
    }

    /// Returns the salt of signatures, if it is set. The default depends on the cookie's name.
    pub fn salt(&self) -> Option<&'i str> {
        self.overrides.salt.or(self.config.salt.as_deref())
    }

    /// Returns how long a session may go unused before it expires. Defaults to no limit.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.overrides.idle_timeout.or(self.config.idle_timeout)
    }

    /// Returns how long a session may last, however much it is used. Defaults to no limit.
    pub fn absolute_timeout(&self) -> Option<Duration> {
        self.overrides.absolute_timeout.or(self.config.absolute_timeout)
    }

    /// Returns how long a remembered session lasts from its login. Defaults to 30 days, or to a longer
    /// `absolute_timeout`.
    pub fn remembered(&self) -> Duration {
        self.set_remembered().unwrap_or_else(|| {
            let absolute = self.absolute_timeout().unwrap_or_default();
            DEFAULT_REMEMBERED.max(absolute).min(MAX_COOKIE_LIFETIME)
        })
    }

    /// Returns how long a remembered session lasts, if an attribute or the configuration sets it.
    fn set_remembered(&self) -> Option<Duration> {
        self.overrides.remembered.or(self.config.remembered)
    }

    /// Returns how much of the time since the last use must have passed before a use is noted.
    /// Defaults to 60 seconds, or to half of an idle timeout or lifetime below two minutes.
    pub fn touch_interval(&self) -> Duration {
        self.set_touch_interval().unwrap_or_else(|| {
            let half_of_idle = self.idle_timeout().map(|idle| idle / 2);
            let half_of_lifetime = (self.lifetime() / 2).max(Duration::from_secs(1));
            let shorter = half_of_idle.unwrap_or(half_of_lifetime).min(half_of_lifetime);
            DEFAULT_TOUCH_INTERVAL.min(shorter)
        })
    }

    /// Returns the touch interval, if an attribute or the configuration sets it.
    fn set_touch_interval(&self) -> Option<Duration> {
        self.overrides.touch_interval.or(self.config.touch_interval)
    }

    /// Returns whether an attribute or the configuration sets this policy, by the name of its setting.
    pub(crate) fn is_set(&self, policy: &str) -> bool {
        self.overrides.names().contains(&policy) || self.config.names().contains(&policy)
    }

    /// Names the settings of the configuration that an attribute overrides.
    pub(crate) fn overridden(&self) -> Vec<&'static str> {
        let fixed = self.overrides.names();
        self.config.names().into_iter().filter(|name| fixed.contains(name)).collect()
    }
}

macro_rules! getters {
    (
        cookie { $($cookie:tt)* }
        session { $($session:tt)* }
        timeouts { $($timeouts:tt)* }
    ) => {
        getters! { $($cookie)* $($session)* }
    };
    ($(
        $field:ident: $type:ty {
            what: $what:literal,
            default: $default_doc:literal = $default:expr,
            $($rest:tt)*
        }
    )*) => {
        impl Policies<'_> {
            $(
                #[doc = concat!("Returns ", $what, ". Defaults to ", $default_doc, ".")]
                pub fn $field(&self) -> $type {
                    self.overrides.$field.or(self.config.$field).unwrap_or($default)
                }
            )*
        }
    };
}

policies!(getters);
