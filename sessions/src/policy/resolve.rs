//! Resolves and checks the policies of an interface.

use std::sync::Arc;

use sessions_policy::{
    CookieAttributes, CookieDomain, CookieName, CookiePath, CookiePolicy, KnownAttributes,
    check_lifetime, check_renew_grace, check_timeouts, violations,
};

use super::{Policies, settings::Settings};
use crate::error::{ConfigError, CookieError};

impl Policies<'_> {
    /// Resolves each policy, and checks them together.
    pub(crate) fn resolve(self) -> Result<Settings, ConfigError> {
        let lifetime = self.lifetime();
        check_lifetime(lifetime)?;
        let (idle_timeout, absolute_timeout) = (self.idle_timeout(), self.absolute_timeout());
        let touch_interval = self.touch_interval();
        check_timeouts(idle_timeout, absolute_timeout, touch_interval)?;
        let renew_grace = self.renew_grace();
        check_renew_grace(renew_grace)?;
        Ok(Settings {
            cookie: self.fixed_cookie()?.map(Arc::new),
            permanent: self.permanent(),
            lifetime,
            salt: self.salt().map(Into::into),
            open: self.open(),
            save_when: self.save_when(),
            on_load_error: self.on_load_error(),
            on_save_error: self.on_save_error(),
            on_gone: self.on_gone(),
            on_decode_error: self.on_decode_error(),
            import: self.import(),
            idle_timeout,
            absolute_timeout,
            touch_interval,
            renew_grace,
            sliding: self.refresh_each_request() || idle_timeout.is_some(),
        })
    }

    /// Checks what is known before any request. What a function decides is not.
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
