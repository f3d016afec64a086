//! The contract of a session interface, and the types to implement it by hand.

mod alive;
mod content;
mod context;
mod host;
mod legacy_cookie;
mod outcome;
mod token;
mod transport;

use std::{any::TypeId, borrow::Cow, time::SystemTime};

use actix_web::HttpRequest;
use sessions_policy::SameSite;

pub(crate) use self::alive::known;
pub(crate) use self::legacy_cookie::ENDED;
pub use self::{
    alive::{AliveContext, IsAlive},
    content::SessionContent,
    context::{CheckContext, OpenContext, SaveContext},
    host::host,
    outcome::{Opened, Saved},
    transport::Transport,
};
pub(crate) use self::{
    context::unix_seconds, legacy_cookie::LegacyCookieEffects, outcome::CookieChange, token::Token,
};
pub use crate::{
    cookie::CookieValues,
    dictionary::ChangeSet,
    error::NullSession,
    state::{Extensions, SessionStatus},
};
use crate::{
    error::{ConfigError, NotReady, OpenError, Outages, SaveError},
    policy::{Overrides, Policies, SessionConfig, without_typed_content},
    state::SessionState,
};

/// How an application opens and saves its sessions: Flask's `SessionInterface`.
///
/// `#[derive(SessionInterface)]` implements it for a struct with a backend, whose value then goes
/// into `App::wrap`. A hand-written implementation goes into
/// [`SessionMiddleware`](crate::SessionMiddleware).
///
/// Only opening and saving are required. Every other method has a default: the derive's attribute,
/// else the setting in [`config`](Self::config), else a safe value.
///
/// The policies of the cookie take the request, so that one application can serve several domains.
/// They are called once for each request that uses its session, and checked: a combination that
/// browsers refuse is an error.
///
/// # Examples
///
/// A hand-written interface with one policy of its own: the administration, on another host, has
/// another cookie.
///
/// ```
/// use std::borrow::Cow;
///
/// use actix_web::HttpRequest;
/// use sessions::{
///     backend::Backend,
///     error::{ConfigError, OpenError, SaveError},
///     interface::{CheckContext, OpenContext, Opened, SaveContext, Saved, host},
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
///     fn check_backend(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
///         self.backend.check(cx)
///     }
///
///     fn cookie_name<'a>(&'a self, request: &'a HttpRequest) -> Cow<'a, str> {
///         // What routing uses. `connection_info` would obey the client's `X-Forwarded-Host`.
///         let admin = host(request).is_some_and(|host| host == "admin.example.com");
///         Cow::Borrowed(if admin { "__Host-admin" } else { "__Host-site" })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session interface",
    label = "does not implement `SessionInterface`",
    note = "for a struct of your own with a backend, add `#[derive(Clone, SessionInterface)]`",
    note = "for a type of another crate, wrap it in a struct of your own and implement `SessionInterface` for that"
)]
#[expect(
    async_fn_in_trait,
    reason = "Actix runs handlers on the thread that accepted the connection"
)]
pub trait SessionInterface: Sized + Send + Sync + 'static {
    /// The session object, usually [`SessionState`]: Flask's `session_class`.
    type Content: SessionContent;

    /// The settings from the derive's attributes.
    const OVERRIDES: Overrides = Overrides::NONE;

    /// Opens the session of a request: Flask's `open_session`.
    ///
    /// Returns an empty new session when no cookie verifies, or the reason why there can be no
    /// session, which becomes the null session.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when there may be a session that cannot be read. It is then not saved, and its
    /// cookie is not changed.
    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<Self::Content>, OpenError>;

    /// Saves the session after the handler returns: Flask's `save_session`. The middleware writes
    /// the headers.
    ///
    /// Called only for a session that was changed, emptied, renewed, rotated or purged, or if
    /// [`should_set_cookie`](Self::should_set_cookie) returns `true`. Delete a session whose
    /// content is empty, and return [`Saved::removed`].
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the session cannot be saved. The client then gets that error's empty response and
    /// no cookie.
    async fn save_session(
        &self,
        content: &Self::Content,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError>;

    /// Opens the session now, if nothing has to be waited for. `None`, the default, leaves it to
    /// [`open_session`](Self::open_session): nothing was done then. The derive asks its backend, unless
    /// `open_with` is given.
    ///
    /// An interface that opens through a [`Backend`](crate::backend::Backend) and adds nothing may ask it here
    /// too, which makes sessions in cookies and in memory cheaper, and changes nothing else.
    ///
    /// # Errors
    ///
    /// Those of [`open_session`](Self::open_session).
    fn open_at_once(
        &self,
        _cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<Self::Content>, OpenError>> {
        None
    }

    /// Saves the session now, if nothing has to be waited for. `None`, the default, leaves it to
    /// [`save_session`](Self::save_session): nothing was written then. The derive asks its backend, unless
    /// `save_with` is given.
    ///
    /// # Errors
    ///
    /// Those of [`save_session`](Self::save_session).
    fn save_at_once(
        &self,
        _content: &Self::Content,
        _cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        None
    }

    /// Returns the settings that the default methods use. Defaults to no settings.
    fn config(&self) -> &SessionConfig {
        SessionConfig::defaults()
    }

    /// Makes the null session of a request that can have no session: Flask's `make_null_session`.
    /// Reads find nothing, and writes are errors with the reason.
    fn make_null_session(&self, null: NullSession) -> Self::Content {
        Self::Content::null(null)
    }

    /// Whether this is a null session: Flask's `is_null_session`. Null sessions are never saved.
    fn is_null_session(&self, content: &Self::Content) -> bool {
        content.is_null()
    }

    /// Whether payloads are in a format that only this program reads, not in JSON: Flask's
    /// `pickle_based`. Defaults to `false`.
    fn pickle_based(&self) -> bool {
        false
    }

    /// Returns the cookie's name. Flask's `get_cookie_name`. Defaults to `session`.
    ///
    /// # Security
    ///
    /// Decide by the [host](host()), or by something else that routing uses. Never by the raw path: Actix
    /// routes `/%61dmin` as `/admin`. Nor by `connection_info`, which obeys headers of the client. To give
    /// some pages a session of their own, wrap another interface around their scope.
    fn cookie_name<'a>(&'a self, _request: &'a HttpRequest) -> Cow<'a, str> {
        self.policies().cookie_name().into()
    }

    /// Returns the cookie's domain. Flask's `get_cookie_domain`. Defaults to the domain of the
    /// configuration's `server_name`, else to none, which means the host that set the cookie.
    fn cookie_domain<'a>(&'a self, request: &'a HttpRequest) -> Option<Cow<'a, str>> {
        let name_and_path = || (self.cookie_name(request), self.cookie_path(request));
        self.policies().cookie_domain_for(name_and_path)
    }

    /// Returns the cookie's path. Flask's `get_cookie_path`. Defaults to the configuration's
    /// `application_root`, else `/`.
    fn cookie_path<'a>(&'a self, _request: &'a HttpRequest) -> Cow<'a, str> {
        self.policies().cookie_path().into()
    }

    /// Whether the cookie is hidden from scripts. Flask's `get_cookie_httponly`. Defaults to
    /// `true`.
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
    /// `get_expiration_time`. Defaults to `now` plus the lifetime for a permanent session, to the end of
    /// a remembered one, else to `None`.
    ///
    /// The policy `lifetime` limits the age of tokens in any case. A browser keeps the cookie no
    /// longer than its session can live: until `lifetime` from now, and `absolute_timeout` from the
    /// session's start, or until `remembered` from the start of a remembered one. A later time is limited, with one warning in the log. `idle_timeout` and
    /// `anonymous_lifetime` start again with each use, which need not set the cookie, so they do not
    /// shorten it.
    fn expiration_time(&self, content: &Self::Content, now: SystemTime) -> Option<SystemTime> {
        if content.state().remembered() {
            return Some(now + self.policies().remembered());
        }
        content.permanent().then(|| now + self.policies().lifetime())
    }

    /// Whether this response sets the cookie of a session that is neither emptied, renewed nor rotated.
    /// Flask's `should_set_cookie`. Defaults to `true` for a modified session, and for a permanent
    /// one while `refresh_each_request` is set.
    fn should_set_cookie(&self, content: &Self::Content) -> bool {
        content.is_modified() || content.permanent() && self.policies().refresh_each_request()
    }

    /// Whether this request is a use of its session. Defaults to `true`.
    ///
    /// A request that is not, such as that of a page that polls while its user is away, reads the session
    /// and does not prolong it: `idle_timeout` and `lifetime` go on from the last use, and the cookie is not
    /// refreshed. What it changes is saved as always, and whatever saves the session prolongs it.
    ///
    /// # Security
    ///
    /// Without it a page that polls keeps a session alive for as long as its tab is open, and `idle_timeout`
    /// never applies (OWASP Session Management, idle timeout). Decide by the path: a header is the client's
    /// choice.
    fn is_use(&self, _request: &HttpRequest) -> bool {
        true
    }

    /// Whether clients without cookies send the token in `Authorization: Bearer`, as
    /// [`Session::bearer_token`](crate::Session::bearer_token) hands it out. The derive's attribute `bearer`.
    /// Defaults to `false`: then the header is not read. Asked when the service is built, not for each
    /// request.
    ///
    /// A request with that header has no other token: its cookie is neither read nor set, and its response has
    /// `Vary: Authorization`. A token opens only by the transport that it was made for, and never from a URL.
    ///
    /// For backends with a [stable token](crate::backend::StableToken). With any other one `check` tells that it has no
    /// effect; the derive does not compile.
    fn bearer(&self) -> bool {
        false
    }

    /// Returns the policies that do not depend on a request, which the default methods use. Do not
    /// override it.
    fn policies(&self) -> Policies<'_> {
        Policies::new(&Self::OVERRIDES, self.config())
    }

    /// Returns where the lines of an outage of the backend are counted, which all workers share.
    #[doc(hidden)]
    fn outages(&self) -> Outages {
        None
    }

    /// Checks the backend together with the policies: [`Backend::check`](crate::backend::Backend::check).
    /// The derive asks its backend. Defaults to no check.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn check_backend(&self, _cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Asks the backend's store whether it serves sessions now:
    /// [`Backend::ready`](crate::backend::Backend::ready). For a `main` that must not start without it, after
    /// [`check`](Self::check); a [`HealthCheck`](crate::HealthCheck) answers load balancers with it. The
    /// derive asks its backend. Defaults to `Ok`: an interface that is written by hand asks its own.
    ///
    /// # Errors
    ///
    /// [`NotReady`], whose message is one line that names the server, the cause and what to do.
    async fn ready(&self) -> Result<(), NotReady> {
        Ok(())
    }

    /// Asks whether the session of a request still lives, for [`Session::ended`](crate::Session::ended):
    /// [`Backend::is_alive`](crate::backend::Backend::is_alive). The derive asks its backend. Defaults to an
    /// end at the first question: an interface that is written by hand asks its own.
    fn is_alive(&self, _content: &Self::Content, _cx: &AliveContext<'_>) -> IsAlive {
        known(false)
    }

    /// Checks everything that is known before the first request: attributes, configuration and
    /// backend, together. Call it in `main` to stop with a clear message.
    ///
    /// The middleware makes the same check when the service is built. Policies that contradict each
    /// other end it. What `check` says of the backend is one line in the log there, since requests that
    /// need none of it are answered: without a key as in Flask, with null sessions. An interface written
    /// by hand has its backend checked if it implements [`check_backend`](Self::check_backend).
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which says what to change: policies that contradict each other, a key that is
    /// missing, policies that have no effect with this backend.
    fn check(&self) -> Result<(), ConfigError> {
        let settings = self.policies().resolve()?;
        Self::Content::check()?;
        let takes_bearer = self.bearer();
        self.check_backend(&CheckContext::new(self.policies(), &settings, takes_bearer))?;
        if TypeId::of::<Self::Content>() == TypeId::of::<SessionState>() {
            ConfigError::unless_empty(without_typed_content(self.policies()))?;
        }
        Ok(())
    }
}
