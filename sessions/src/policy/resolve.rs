//! Resolves and checks the policies of an interface.

use sessions_policy::{
    CookieAttributes, CookieDomain, CookieName, CookiePath, CookiePolicy, KnownAttributes,
    check_anonymous_lifetime, check_lifetime, check_remembered, check_rotate_grace, check_timeouts,
    check_within_lifetime, violations,
};

use super::{Policies, settings::Settings};
use crate::error::{ConfigError, CookieError};

impl Policies<'_> {
    /// Resolves each policy, and checks them together.
    pub(crate) fn resolve(self) -> Result<Settings, ConfigError> {
        check_lifetime(self.lifetime())?;
        check_anonymous_lifetime(self.anonymous_lifetime())?;
        check_timeouts(self.idle_timeout(), self.absolute_timeout(), self.touch_interval())?;
        check_within_lifetime(self.lifetime(), self.idle_timeout(), self.set_touch_interval())?;
        if let Some(remembered) = self.set_remembered() {
            check_remembered(remembered, self.absolute_timeout())?;
        }
        check_rotate_grace(self.rotate_grace())?;
        Ok(Settings::new(self.fixed_cookie()?, self))
    }

    /// Checks the cookie as far as it is known before any request. What a function decides is unknown.
    fn fixed_cookie(self) -> Result<Option<CookiePolicy>, CookieError> {
        let attributes = CookieAttributes {
            name: CookieName::new(self.cookie_name().to_owned())?,
            domain: self
                .cookie_domain()
                .map(|domain| CookieDomain::new(domain.into_owned()))
                .transpose()?,
            path: CookiePath::new(self.cookie_path().to_owned())?,
            secure: self.cookie_secure(),
            httponly: self.cookie_httponly(),
            samesite: self.cookie_samesite(),
            partitioned: self.cookie_partitioned(),
        };
        let mut known = KnownAttributes::from(&attributes);
        let unknown = |name| self.overrides.is_by_function(name);
        if unknown("cookie_name") {
            known.name = None;
        }
        if unknown("cookie_domain") {
            known.has_domain = None;
        }
        if unknown("cookie_path") {
            known.path = None;
        }
        if unknown("cookie_secure") {
            known.secure = None;
        }
        if unknown("cookie_httponly") {
            known.httponly = None;
        }
        if unknown("cookie_samesite") {
            known.samesite = None;
        }
        if unknown("cookie_partitioned") {
            known.partitioned = None;
        }
        let contradicts = !violations(&known).is_empty();
        match attributes.check() {
            Err(err) if contradicts => Err(err.into()),
            checked => Ok(checked.ok()),
        }
    }
}
