//! Policies: what the derive's attributes fix, what the configuration says at run time, and what
//! holds when neither speaks.

mod config;
mod overrides;
mod resolve;
mod settings;

pub use self::{
    config::{DomainSetting, SessionConfig},
    settings::Settings,
};
pub use sessions_policy::{
    CookieDomain, CookieName, CookiePath, CookiePolicy, ImportMode, OnDecodeError, OnGone,
    OnLoadError, OnSaveError, OpenMode, SameSite, SaveWhen,
};

use std::{borrow::Cow, time::Duration};

use sessions_policy::NamePrefix;

use self::overrides::FixedDomain;
pub use self::overrides::Overrides;

/// Flask's default name.
const DEFAULT_COOKIE_NAME: &str = "session";
/// Flask's default lifetime.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(31 * 24 * 60 * 60);
const DEFAULT_TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// The policies of an interface as far as they do not depend on a request: attribute, else
/// configuration, else default.
///
/// The defaults of [`SessionInterface`](trait@crate::SessionInterface)'s policies answer with these.
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

    /// Returns the cookie's domain. Defaults to none, or to what `server_name` says if set.
    pub fn cookie_domain(&self) -> Option<Cow<'i, str>> {
        self.cookie_domain_for(|| (self.cookie_name().into(), self.cookie_path().into()))
    }

    /// Returns the domain of a cookie of this name and path, which are asked for only where the
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
                (NamePrefix::of(&name) != NamePrefix::Host).then(|| detected.for_path(&path).into())
            }
        }
    }

    /// Returns the cookie's path. Defaults to the configuration's `application_root`, else `/`.
    pub fn cookie_path(&self) -> &'i str {
        let configured =
            || self.config.cookie_path.as_ref().or(self.config.application_root.as_ref());
        self.overrides.cookie_path.or_else(|| configured().map(CookiePath::as_str)).unwrap_or("/")
    }

    /// Returns whether scripts are kept from the cookie. Defaults to `true`.
    pub fn cookie_httponly(&self) -> bool {
        self.overrides.cookie_httponly.or(self.config.cookie_httponly).unwrap_or(true)
    }

    /// Returns whether the cookie is sent over https only. Defaults to `true`.
    pub fn cookie_secure(&self) -> bool {
        self.overrides.cookie_secure.or(self.config.cookie_secure).unwrap_or(true)
    }

    /// Returns which requests from other sites carry the cookie. Defaults to `Lax`.
    pub fn cookie_samesite(&self) -> SameSite {
        self.overrides.cookie_samesite.or(self.config.cookie_samesite).unwrap_or(SameSite::Lax)
    }

    /// Returns whether the cookie belongs to one top-level site. Defaults to `false`.
    pub fn cookie_partitioned(&self) -> bool {
        self.overrides.cookie_partitioned.or(self.config.cookie_partitioned).unwrap_or(false)
    }

    /// Returns whether new sessions outlive the browser session. Defaults to `false`.
    pub fn permanent(&self) -> bool {
        self.overrides.permanent.or(self.config.permanent).unwrap_or(false)
    }

    /// Returns the age limit of tokens and records, and of permanent cookies. Defaults to 31 days.
    pub fn lifetime(&self) -> Duration {
        self.overrides.lifetime.or(self.config.lifetime).unwrap_or(DEFAULT_LIFETIME)
    }

    /// Returns whether permanent sessions get a fresh cookie with each response that used them.
    /// Defaults to `true`.
    pub fn refresh_each_request(&self) -> bool {
        self.overrides.refresh_each_request.or(self.config.refresh_each_request).unwrap_or(true)
    }

    /// Returns the salt of signatures, where it is set. The default depends on the cookie's name.
    pub fn salt(&self) -> Option<&'i str> {
        self.overrides.salt.or(self.config.salt.as_deref())
    }

    /// Returns when sessions are opened. Defaults to [`OpenMode::Lazy`].
    pub fn open(&self) -> OpenMode {
        self.overrides.open.or(self.config.open).unwrap_or_default()
    }

    /// Returns which responses save the data. Defaults to [`SaveWhen::Always`].
    pub fn save_when(&self) -> SaveWhen {
        self.overrides.save_when.or(self.config.save_when).unwrap_or_default()
    }

    /// Returns what a failed opening leads to. Defaults to [`OnLoadError::Error`].
    pub fn on_load_error(&self) -> OnLoadError {
        self.overrides.on_load_error.or(self.config.on_load_error).unwrap_or_default()
    }

    /// Returns what a failed saving leads to. Defaults to [`OnSaveError::Error`].
    pub fn on_save_error(&self) -> OnSaveError {
        self.overrides.on_save_error.or(self.config.on_save_error).unwrap_or_default()
    }

    /// Returns what a request gets whose session was ended by someone else while it ran. Defaults
    /// to [`OnGone::Error`].
    pub fn on_gone(&self) -> OnGone {
        self.overrides.on_gone.or(self.config.on_gone).unwrap_or_default()
    }

    /// Returns what a field of typed content that does not parse leads to. Defaults to
    /// [`OnDecodeError::Default`].
    pub fn on_decode_error(&self) -> OnDecodeError {
        self.overrides.on_decode_error.or(self.config.on_decode_error).unwrap_or_default()
    }

    /// Returns what becomes of a session elsewhere that is taken over. Defaults to
    /// [`ImportMode::Copy`].
    pub fn import(&self) -> ImportMode {
        self.overrides.import.or(self.config.import).unwrap_or_default()
    }

    /// Returns how long a session may go unused. Defaults to no limit.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.overrides.idle_timeout.or(self.config.idle_timeout)
    }

    /// Returns how long a session may last at all, however much it is used. Defaults to no limit.
    pub fn absolute_timeout(&self) -> Option<Duration> {
        self.overrides.absolute_timeout.or(self.config.absolute_timeout)
    }

    /// Returns how much of the idle time must have passed before a use is noted. Defaults to 60
    /// seconds, or to half of an idle timeout below two minutes.
    pub fn touch_interval(&self) -> Duration {
        self.overrides.touch_interval.or(self.config.touch_interval).unwrap_or_else(|| {
            self.idle_timeout()
                .map_or(DEFAULT_TOUCH_INTERVAL, |idle| DEFAULT_TOUCH_INTERVAL.min(idle / 2))
        })
    }

    /// Returns how long a token from before a renewal may read. Defaults to zero: it is worth
    /// nothing at once.
    pub fn renew_grace(&self) -> Duration {
        self.overrides.renew_grace.or(self.config.renew_grace).unwrap_or_default()
    }

    /// Names the settings of the configuration that an attribute overrides.
    pub(crate) fn overridden(&self) -> Vec<&'static str> {
        let fixed = self.overrides.names();
        self.config.names().into_iter().filter(|name| fixed.contains(name)).collect()
    }
}
