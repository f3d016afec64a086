//! The state that all requests of a service share.

use std::sync::Arc;

use actix_web::HttpRequest;
use sessions_policy::{CookieAttributes, CookieDomain, CookieName, CookiePath, CookiePolicy};

use super::headers::Vary;
use crate::{
    clock::Clock,
    error::{ConfigError, CookieError, OutageLog},
    events::event,
    interface::{SessionContent, SessionInterface},
    policy::{Settings, is_first},
};

/// The cookie policies of one request: those of the service, or its own.
pub(crate) enum RequestPolicy {
    /// They equal those that were checked when the service was built.
    Fixed,
    /// They differ, and were checked for this request.
    Own(Box<CookiePolicy>),
}

/// An interface with its resolved policies.
pub(crate) struct ServiceState<I> {
    pub(crate) interface: Arc<I>,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) outages: Arc<OutageLog>,
    /// Whether clients without cookies send the token in `Authorization`.
    pub(crate) takes_bearer: bool,
}

impl<I: SessionInterface> ServiceState<I> {
    pub(crate) fn new(interface: Arc<I>, clock: Clock) -> Result<Self, ConfigError> {
        let settings = interface.policies().resolve()?;
        I::Content::check()?;
        match interface.check() {
            // The backend tells of a missing key by itself, when it is first asked.
            Ok(()) | Err(ConfigError::NoKey { .. }) => {}
            Err(err) if err.is_of_backend() => {
                if is_first::<I>("check") {
                    event!(
                        ConfigWarned,
                        interface = std::any::type_name::<I>(),
                        "the service starts, and `check` would end it: {err}"
                    );
                }
            }
            Err(err) => return Err(err),
        }
        let outages = interface.outages().unwrap_or_default();
        let takes_bearer = interface.bearer();
        Ok(Self { interface, settings, clock, outages, takes_bearer })
    }

    /// Returns what the sessions of requests without a bearer token depend on.
    pub(super) fn vary(&self) -> Vary {
        if self.takes_bearer { Vary::Both } else { Vary::Cookie }
    }

    /// Asks the interface for the cookie policies of this request, and checks them unless they
    /// equal those that were checked when the service was built.
    pub(crate) fn cookie_for(&self, request: &HttpRequest) -> Result<RequestPolicy, CookieError> {
        let interface = &*self.interface;
        let name = interface.cookie_name(request);
        let domain = interface.cookie_domain(request);
        let path = interface.cookie_path(request);
        let secure = interface.cookie_secure(request);
        let httponly = interface.cookie_httponly(request);
        let samesite = interface.cookie_samesite(request);
        let partitioned = interface.cookie_partitioned(request);
        if let Some(fixed) = &self.settings.cookie
            && fixed.name().as_str() == name
            && fixed.domain().map(CookieDomain::as_str) == domain.as_deref()
            && fixed.path().as_str() == path
            && fixed.secure() == secure
            && fixed.httponly() == httponly
            && fixed.samesite() == samesite
            && fixed.partitioned() == partitioned
        {
            return Ok(RequestPolicy::Fixed);
        }
        let attributes = CookieAttributes {
            name: CookieName::new(name.into_owned())?,
            domain: domain.map(|domain| CookieDomain::new(domain.into_owned())).transpose()?,
            path: CookiePath::new(path.into_owned())?,
            secure,
            httponly,
            samesite,
            partitioned,
        };
        Ok(RequestPolicy::Own(Box::new(attributes.check()?)))
    }

    /// Returns the policies that [`cookie_for`](Self::cookie_for) found.
    pub(crate) fn cookie<'p>(&'p self, found: &'p RequestPolicy) -> &'p CookiePolicy {
        match found {
            RequestPolicy::Own(policy) => policy,
            RequestPolicy::Fixed => self
                .settings
                .cookie
                .as_ref()
                .expect("`Fixed` is made where the service has a cookie"),
        }
    }
}
