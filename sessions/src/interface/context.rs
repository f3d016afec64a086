//! The arguments of opening and saving.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::HeaderMap},
};
use sessions_policy::CookiePolicy;

use super::Transport;
use crate::{
    clock::Clock,
    cookie::CookieValues,
    error::ConfigError,
    events::event,
    policy::{BackendTraits, Policies, Settings, is_first, without_effect},
    state::SessionStatus,
    store::OwnLifetimes,
};

/// The argument of [`open_session`](crate::SessionInterface::open_session): the request with its
/// cookies, the policies and the time.
pub struct OpenContext<'r> {
    pub(crate) request: &'r HttpRequest,
    pub(crate) cookie: &'r CookiePolicy,
    pub(crate) cookies: &'r CookieValues<'r>,
    pub(crate) bearer: Option<&'r [u8]>,
    pub(crate) settings: &'r Settings,
    pub(crate) now: SystemTime,
    pub(crate) clock: &'r Clock,
    pub(crate) is_use: bool,
}

impl<'r> OpenContext<'r> {
    /// Returns the request.
    pub fn request(&self) -> &'r HttpRequest {
        self.request
    }

    /// Returns the cookie policies of this request.
    pub fn cookie(&self) -> &'r CookiePolicy {
        self.cookie
    }

    /// Returns the values of the request's cookies with the session's name: untrusted bytes. If
    /// several verify, use the newest. None where the session's token comes in `Authorization`.
    pub fn cookies(&self) -> &'r CookieValues<'r> {
        self.cookies
    }

    /// Returns the token of `Authorization: Bearer` without its prefix, for an interface that [takes
    /// one](crate::SessionInterface::bearer): untrusted bytes, at most 4,096. Empty where the header has
    /// nothing that a session's token could be. `None` where the session's transport is the cookie.
    pub fn bearer_token(&self) -> Option<&'r [u8]> {
        self.bearer
    }

    /// Returns how the session's token comes.
    pub fn transport(&self) -> Transport {
        if self.bearer.is_some() { Transport::Bearer } else { Transport::Cookie }
    }

    /// Returns the resolved settings.
    pub fn settings(&self) -> &'r Settings {
        self.settings
    }

    /// Returns the current time.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Whether the request is a use of its session, by
    /// [`is_use`](crate::SessionInterface::is_use). If it is not, a backend neither touches the session nor
    /// asks for its [refresh](crate::SessionState::request_refresh).
    pub fn is_use(&self) -> bool {
        self.is_use
    }
}

impl fmt::Debug for OpenContext<'_> {
    /// Shows neither the request nor its cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenContext")
            .field("cookie", &self.cookie)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// The argument of [`save_session`](crate::SessionInterface::save_session): the status and headers of
/// the response, the policies and the time.
pub struct SaveContext<'r> {
    pub(crate) cookie: &'r CookiePolicy,
    pub(crate) settings: &'r Settings,
    pub(crate) now: SystemTime,
    pub(crate) session_status: SessionStatus,
    pub(crate) response_status: StatusCode,
    pub(crate) response_headers: Option<&'r HeaderMap>,
    pub(crate) reads_back: bool,
    pub(crate) transport: Transport,
    pub(crate) hands_out: bool,
}

impl<'r> SaveContext<'r> {
    /// Returns the cookie policies with which the session was opened.
    pub fn cookie(&self) -> &'r CookiePolicy {
        self.cookie
    }

    /// Returns the resolved settings.
    pub fn settings(&self) -> &'r Settings {
        self.settings
    }

    /// Returns the current time.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Returns when a session that began at this time ends, however much it is used, if that is a time
    /// which clocks can show. Both are counted in whole seconds.
    pub(crate) fn ends_at(&self, began_secs: u64, own: OwnLifetimes) -> Option<SystemTime> {
        let limit = self.settings.limits(own).absolute?;
        let age = Duration::from_secs(unix_seconds(self.now).saturating_sub(began_secs));
        self.now.checked_add(limit.saturating_sub(age))
    }

    /// Returns what the request did to the session. [`SessionStatus::Unchanged`] means that only
    /// its cookie is refreshed.
    pub fn session_status(&self) -> SessionStatus {
        self.session_status
    }

    /// Returns the status of the response.
    pub fn response_status(&self) -> StatusCode {
        self.response_status
    }

    /// Returns the headers of the response, or `None` when an inner middleware returned an error,
    /// which an outer one turns into a response.
    pub fn response_headers(&self) -> Option<&'r HeaderMap> {
        self.response_headers
    }

    /// Returns how the session's token travels: by [`Saved::token`](super::Saved::token), or by
    /// [`Saved::bearer_token`](super::Saved::bearer_token).
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether the handler hands the token out: it called `bearer_token`.
    pub(crate) fn hands_out(&self) -> bool {
        self.hands_out
    }

    /// Whether the handler reads what is stored: it called `save_now`. Otherwise nothing reads the JSON of
    /// [`Saved::with_stored`](super::Saved::with_stored).
    pub fn reads_back(&self) -> bool {
        self.reads_back
    }
}

impl fmt::Debug for SaveContext<'_> {
    /// Shows no headers: they may set other sessions' cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveContext")
            .field("cookie", &self.cookie)
            .field("now", &self.now)
            .field("session_status", &self.session_status)
            .field("response_status", &self.response_status)
            .finish_non_exhaustive()
    }
}

/// The argument of [`check_backend`](crate::SessionInterface::check_backend): the policies, before
/// there is any request.
#[derive(Clone, Copy, Debug)]
pub struct CheckContext<'i> {
    pub(crate) policies: Policies<'i>,
    pub(crate) settings: &'i Settings,
    /// The backend is inside one that imports sessions.
    pub(crate) imports: bool,
    /// The backend is one of several, among which the program chooses.
    pub(crate) is_chosen: bool,
    /// The interface takes tokens from `Authorization`.
    pub(crate) takes_bearer: bool,
}

impl<'i> CheckContext<'i> {
    pub(crate) fn new(policies: Policies<'i>, settings: &'i Settings, takes_bearer: bool) -> Self {
        Self { policies, settings, imports: false, is_chosen: false, takes_bearer }
    }

    /// Returns the resolved settings.
    pub fn settings(&self) -> &'i Settings {
        self.settings
    }

    /// Checks that each policy that is set has an effect with this backend. A program that chooses
    /// its backend at run time sets policies for all of them, and is only told.
    pub(crate) fn check_effects(&self, backend: BackendTraits) -> Result<(), ConfigError> {
        let backend = BackendTraits { imports: self.imports, ..backend };
        let messages = without_effect(self.policies, self.takes_bearer, backend);
        if self.is_chosen {
            let is_new = |message: &String| is_first::<CheckContext<'static>>(message.clone());
            for message in messages.into_iter().filter(is_new) {
                event!(ConfigWarned, "{message}");
            }
            return Ok(());
        }
        ConfigError::unless_empty(messages)
    }
}

/// Returns the whole seconds since 1970, or 0 for an earlier time.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs)
}
