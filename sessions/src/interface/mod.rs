//! The contract: how a session is opened, saved, replaced by a null session, and how its cookie
//! looks.

mod content;
mod context;
mod legacy_cookie;
mod outcome;

use std::{borrow::Cow, time::SystemTime};

use actix_web::HttpRequest;
use sessions_policy::SameSite;

#[cfg(feature = "import-actix-session")]
pub(crate) use self::legacy_cookie::ENDED;
pub use self::{
    content::SessionContent,
    context::{OpenContext, SaveContext},
    outcome::{Opened, Saved},
};
pub(crate) use self::{
    context::unix_seconds, legacy_cookie::LegacyCookieEffects, outcome::CookieChange,
};
pub use crate::{
    cookie::CookieValues,
    dictionary::ChangeSet,
    error::NullSession,
    state::{Extensions, SessionStatus},
};
use crate::{
    error::{ConfigError, OpenError, SaveError},
    policy::{Overrides, Policies, SessionConfig},
};

/// How an application's sessions work: Flask's `SessionInterface`.
///
/// Opening and saving must be given, everything else has a default that takes its answer from the
/// derive's attributes, else from [`config`](Self::config), else from what is safe.
/// `#[derive(SessionInterface)]` writes all of it for a struct with a backend; the value then goes
/// into `App::wrap`. A type with an implementation of its own goes in through
/// [`SessionMiddleware`](crate::SessionMiddleware).
///
/// Policies of the cookie take the request, so that one application can serve many domains. They
/// are asked once for each request that uses its session, and checked: a combination that browsers
/// refuse is an error, not a cookie.
///
/// # Examples
///
/// Written by hand, with one policy that differs: the administration has a host of its own, and so
/// sessions of its own.
///
/// ```
/// use std::borrow::Cow;
///
/// use actix_web::HttpRequest;
/// use sessions::{
///     backend::Backend,
///     error::{OpenError, SaveError},
///     interface::{OpenContext, Opened, SaveContext, Saved},
///     SessionInterface, SessionState, SignedCookie,
/// };
///
/// struct TwoAreas {
///     backend: SignedCookie,
/// }
///
/// impl SessionInterface for TwoAreas {
///     type Content = SessionState;
///
///     async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
///         self.backend.open(&cx).await
///     }
///
///     async fn save_session(
///         &self,
///         content: &SessionState,
///         cx: SaveContext<'_>,
///     ) -> Result<Saved, SaveError> {
///         self.backend.save(content, &cx).await
///     }
///
///     fn cookie_name<'a>(&'a self, request: &'a HttpRequest) -> Cow<'a, str> {
///         let admin = request.connection_info().host().starts_with("admin.");
///         Cow::Borrowed(if admin { "__Host-admin" } else { "__Host-site" })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session interface",
    label = "does not say how its sessions are opened and saved",
    note = "for a struct of your own with a backend, add `#[derive(Clone, SessionInterface)]`",
    note = "for a type of another crate, wrap it in a struct of your own and implement `SessionInterface` for that"
)]
#[expect(
    async_fn_in_trait,
    reason = "Actix runs handlers on the thread that accepted the connection"
)]
pub trait SessionInterface: Sized + Send + Sync + 'static {
    /// The session object: [`SessionState`](crate::SessionState) unless there is a reason. Flask's
    /// `session_class`.
    type Content: SessionContent;

    /// What the derive's attributes fix.
    const OVERRIDES: Overrides = Overrides::NONE;

    /// Opens the session of a request: an empty new one when no cookie verifies, or the reason why there
    /// can be none, which gives the null session. Flask's `open_session`.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when a session may be there and cannot be read. It is never followed by a
    /// save, and the cookie is left alone.
    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<Self::Content>, OpenError>;

    /// Saves the session when its request is answered. Flask's `save_session`.
    ///
    /// Asked only when there is something to do: the content was changed, emptied, renewed or
    /// purged, or [`should_set_cookie`](Self::should_set_cookie) says so. Empty content means that
    /// the session is to be deleted; the answer then is [`Saved::removed`]. The middleware writes
    /// the headers.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when it cannot be kept. The client then gets an empty 500 and no cookie.
    async fn save_session(
        &self,
        content: &Self::Content,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError>;

    /// Returns the settings that the defaults take their answers from. Defaults to none set.
    fn config(&self) -> &SessionConfig {
        SessionConfig::defaults()
    }

    /// Makes what a request gets when there is no session for it: reads find nothing, writes are
    /// errors that say why. Flask's `make_null_session`.
    fn make_null_session(&self, null: NullSession) -> Self::Content {
        Self::Content::null(null)
    }

    /// Whether this is what [`make_null_session`](Self::make_null_session) made. Null sessions are
    /// never saved. Flask's `is_null_session`.
    fn is_null_session(&self, content: &Self::Content) -> bool {
        content.is_null()
    }

    /// Whether payloads are something else than plain JSON, so that other programs should not try
    /// to read them. Flask's `pickle_based`. Defaults to `false`.
    fn pickle_based(&self) -> bool {
        false
    }

    /// Returns the cookie's name. Flask's `get_cookie_name`. Defaults to `session`.
    ///
    /// # Security
    ///
    /// Decide by what routing decides by, the host say, and never by the raw path: Actix routes
    /// `/%61dmin` as `/admin`. For pages that need a session of their own, wrap another interface
    /// around their scope.
    fn cookie_name<'a>(&'a self, _request: &'a HttpRequest) -> Cow<'a, str> {
        self.policies().cookie_name().into()
    }

    /// Returns the cookie's domain. Flask's `get_cookie_domain`. Defaults to none, which means the
    /// host that set the cookie, or to what the configuration's `server_name` says.
    fn cookie_domain<'a>(&'a self, request: &'a HttpRequest) -> Option<Cow<'a, str>> {
        let name_and_path = || (self.cookie_name(request), self.cookie_path(request));
        self.policies().cookie_domain_for(name_and_path)
    }

    /// Returns the cookie's path. Flask's `get_cookie_path`. Defaults to the configuration's
    /// `application_root`, else `/`.
    fn cookie_path<'a>(&'a self, _request: &'a HttpRequest) -> Cow<'a, str> {
        self.policies().cookie_path().into()
    }

    /// Whether scripts are kept from the cookie. Flask's `get_cookie_httponly`. Defaults to `true`.
    fn cookie_httponly(&self, _request: &HttpRequest) -> bool {
        self.policies().cookie_httponly()
    }

    /// Whether the cookie is sent over https only. Flask's `get_cookie_secure`. Defaults to `true`.
    fn cookie_secure(&self, _request: &HttpRequest) -> bool {
        self.policies().cookie_secure()
    }

    /// Returns which requests from other sites carry the cookie. Flask's `get_cookie_samesite`.
    /// Defaults to [`SameSite::Lax`].
    fn cookie_samesite(&self, _request: &HttpRequest) -> SameSite {
        self.policies().cookie_samesite()
    }

    /// Whether the cookie belongs to one top-level site. Flask's `get_cookie_partitioned`. Defaults
    /// to `false`.
    fn cookie_partitioned(&self, _request: &HttpRequest) -> bool {
        self.policies().cookie_partitioned()
    }

    /// Returns when the cookie expires, or `None` for the end of the browser session. Flask's
    /// `get_expiration_time`. Defaults to `now` and the lifetime for a permanent session, else
    /// `None`.
    ///
    /// The age limit of tokens is the lifetime in both cases.
    fn expiration_time(&self, content: &Self::Content, now: SystemTime) -> Option<SystemTime> {
        content.permanent().then(|| now + self.policies().lifetime())
    }

    /// Whether this response sets the cookie, for a session that is neither emptied nor renewed.
    /// Flask's `should_set_cookie`. Defaults to: modified, or permanent while
    /// `refresh_each_request` is set.
    fn should_set_cookie(&self, content: &Self::Content) -> bool {
        content.is_modified() || content.permanent() && self.policies().refresh_each_request()
    }

    /// Returns the policies as far as they do not depend on a request. Not to be overridden: the
    /// defaults of the other policies answer with these.
    fn policies(&self) -> Policies<'_> {
        Policies::new(&Self::OVERRIDES, self.config())
    }

    /// Checks attributes and configuration together, as the middleware does when the service is
    /// built. For a `main` that wants to stop early with a reason.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says which policies contradict each other.
    fn check(&self) -> Result<(), ConfigError> {
        self.policies().resolve()?;
        Self::Content::check()
    }
}
