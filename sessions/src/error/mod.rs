//! Errors: one enum for each kind of operation, with the response that the client gets.
//!
//! A client sees a status and an empty body, by one table for all of them; docs/reliability.md has it. The
//! reason goes to the log.

mod answer;
mod config;
mod key;
mod limit;
mod null_session;
mod owner;
mod report;
mod rows;
mod store;
mod text;
mod value;

use std::{error::Error as StdError, fmt, sync::Arc};

use sessions_policy::MAX_NAME_VALUE;
pub use sessions_policy::{
    ChoiceError, DomainError, DurationError, LifetimeError, NameError, PathError, PolicyError,
    SameSiteError, Violation,
};

#[doc(hidden)]
pub use self::report::{OutageLog, Outages};
pub(crate) use self::{
    answer::{Fails, Failure},
    report::{PassedOver, Place, QUIET, Report, Within},
    text::Escaped,
};
pub use self::{
    config::{ConfigError, CookieError, InvalidSetting},
    key::KeyError,
    limit::SessionLimit,
    null_session::NullSession,
    owner::OwnerError,
    store::{NotReady, StoreError},
    value::ValueError,
};

type Source = Arc<dyn StdError + Send + Sync>;

/// The error of reading or writing a session through its handle.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A write to a null session. The reason says what is missing and what to set.
    #[error("there is no session to write to: {0}")]
    Null(NullSession),
    /// A write after the session was saved, which happens before the response head is sent. A
    /// streamed body can read the session but not write it.
    #[error(
        "the session is already saved and takes no more writes; write before the handler returns, and before `save_now`"
    )]
    Saved,
    /// The key is reserved for the framework.
    #[error("the key `{}` is reserved for the framework; choose another", Escaped(key))]
    ReservedKey {
        /// The key.
        key: Box<str>,
    },
    /// The value does not deserialise as the requested type, and stays in the session. After a
    /// deployment that changed the type, `docs/recipes.md` carries the old values over.
    #[error("the value of `{}` is not of the requested type", Escaped(key))]
    Decode {
        /// The key.
        key: Box<str>,
        /// What is wrong with the value.
        source: ValueError,
    },
    /// The value cannot be written as JSON.
    #[error("the value of `{}` cannot be written as JSON", Escaped(key))]
    Encode {
        /// The key.
        key: Box<str>,
        /// What is wrong with the value.
        source: ValueError,
    },
    /// The session would be too large with this write, or the request has written too much. Nothing was
    /// written.
    #[error("`{}` does not fit in the session: {limit}", Escaped(key))]
    TooLarge {
        /// The key.
        key: Box<str>,
        /// What would be exceeded.
        limit: SessionLimit,
    },
    /// Typed content as a whole cannot be written or read.
    #[error("`{data}` cannot be written to or read from the session")]
    Data {
        /// The type.
        data: &'static str,
        /// What is wrong with it.
        source: ValueError,
    },
    /// Timeouts for one session that cannot be, or that contradict each other.
    #[error("the session cannot have these lifetimes: {0}")]
    Lifetimes(LifetimeError),
    /// A note about a login in a session without one: `set_owner` was not called.
    #[error("the session has no owner; call `set_owner` when a user logs in")]
    NoOwner,
    /// Another change came between the read and the write of an `update`, 1,000 times in a row.
    #[error(
        "the session could not be updated: other threads of this request changed it during each of 1,000 tries"
    )]
    Contended,
    /// A write from within the closure of `update` or `modify`, or from within the types that it
    /// reads and writes. It may run again, so it can read the session but not write it.
    #[error(
        "the closure of `update` or `modify` may run more than once and cannot write to its session; write before or after the update"
    )]
    WithinUpdate,
}

impl fmt::Debug for SessionError {
    /// Shows the message: Actix logs the `Debug` of what handlers return.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionError({self})")
    }
}

/// The error of a payload that is not a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The payload is not one well-formed JSON object.
    #[error("the payload is not a JSON object")]
    NotAnObject,
    /// The payload is 4 GiB long or longer.
    #[error("the payload is longer than 4 GiB")]
    TooLong,
}

/// The error of opening a session. Later extractors of the same request get it too.
///
/// A cookie that does not verify is not an error: it opens a new session.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store cannot be reached. The client gets 503 with `Retry-After`.
    #[error("the session store is unavailable")]
    Unavailable {
        /// The store's error.
        source: Source,
    },
    /// The store did not answer in time. The client gets 503 with `Retry-After`.
    #[error(
        "the session store did not answer within its deadline; check its load, or raise `with_call_deadline`"
    )]
    Timeout,
    /// The store takes no writes, and a session of another framework was to be taken over. The client
    /// gets 503 with `Retry-After`.
    #[error("the session store takes no writes; check that it is not a replica, and its disk")]
    ReadOnly {
        /// The store's error.
        source: Source,
    },
    /// The store is full, and a session of another framework was to be taken over. The client gets 503
    /// with `Retry-After`.
    #[error("the session store is full; give it more room, or shorten `lifetime`")]
    Full,
    /// A newer version of this library wrote the record. The session and its cookie are kept, and the
    /// client gets 503 with `Retry-After`: another instance of the application may be able to read it.
    #[error("{}", store::newer_format(*.format))]
    NewerFormat {
        /// The format of the record.
        format: u32,
    },
    /// The policies give this request a cookie that browsers refuse. The client gets 500.
    #[error("the cookie's policies are wrong for this request")]
    Policy(#[from] CookieError),
    /// Two interfaces keep their sessions in cookies of one name. The client gets 500, and neither
    /// session is saved.
    #[error("{}", shared_cookie(cookie, one, other))]
    SharedCookie {
        /// The cookie's name.
        cookie: String,
        /// The interface whose session was requested.
        one: &'static str,
        /// The other interface.
        other: &'static str,
    },
    /// Any other failure of the server. The client gets 500.
    #[error("the session could not be opened")]
    Internal {
        /// The cause.
        source: Source,
    },
}

impl OpenError {
    /// Wraps the error of a store that cannot be reached. The client gets 503 with `Retry-After`.
    pub fn unavailable(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Arc::new(source) }
    }

    /// Wraps any other error. The client gets 500.
    pub fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal { source: Arc::new(source) }
    }

    /// Wraps a problem that is logged already. The client gets 500.
    pub(crate) fn misused(problem: &dyn fmt::Display) -> Self {
        Self::internal(Misused(problem.to_string()))
    }
}

/// The problem of a handler that asks for what no middleware offers.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misused(String);

/// The error of a handler or a middleware that got no session.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// No middleware offers a session for this route.
    #[error(
        "no session for this route; wrap the `App`, or the scope of this handler, with {missing}; \
         wrap a middleware that uses the session before it, since Actix calls the last `wrap` first"
    )]
    NotWrapped {
        /// The interface to wrap.
        missing: &'static str,
    },
    /// A plain `Session` selects the only session, but there are several.
    #[error("{}", ambiguous(inner, outer))]
    Ambiguous {
        /// The interface wrapped closest to the handler.
        inner: &'static str,
        /// The next outer interface.
        outer: &'static str,
    },
    /// The session was not opened before the response was made.
    #[error("the session was not opened before the response was made; extract it in the handler")]
    Closed,
    /// The session could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

fn ambiguous(inner: &str, outer: &str) -> String {
    if inner == outer {
        return format!("`{inner}` is wrapped twice around this route; remove one `wrap`");
    }
    let short = |name: &str| name.rsplit("::").next().unwrap_or_default().to_owned();
    format!(
        "`Session` is ambiguous here, since both `{inner}` and `{outer}` are wrapped; write \
         `Session<{}>` or `Session<{}>`",
        short(inner),
        short(outer)
    )
}

fn shared_cookie(cookie: &str, one: &str, other: &str) -> String {
    if one == other {
        return format!("`{one}` is wrapped twice around this route; remove one `wrap`");
    }
    format!(
        "`{one}` and `{other}` both keep their session in the cookie `{cookie}`; give each a \
         `cookie_name` of its own"
    )
}

/// The error of saving a session. Instead of the handler's response, the client gets an empty 500
/// without a cookie, unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The cookie would be longer than 4,096 bytes, and browsers drop such a cookie (RFC 6265bis,
    /// 5.6).
    #[error(
        "the session does not fit in its cookie: name and value have {length} bytes, at most {MAX_NAME_VALUE} are allowed{}; store less, or keep sessions on the server",
        largest(largest_key.as_deref())
    )]
    TooLarge {
        /// The bytes of name and value together.
        length: usize,
        /// The key that takes the most room.
        largest_key: Option<Box<str>>,
    },
    /// The session is too large for its store. Nothing was saved.
    #[error(
        "the session is too large for its store: it has {length} bytes, at most {limit} are allowed{}",
        largest(largest_key.as_deref())
    )]
    PayloadTooLarge {
        /// The bytes of the content as JSON.
        length: usize,
        /// The limit in bytes.
        limit: usize,
        /// The key that takes the most room.
        largest_key: Option<Box<str>>,
    },
    /// The session was ended while the request ran, so its changes are dropped. By the policy
    /// `on_gone` the client gets 409 or the handler's response; its cookie is removed in both
    /// cases.
    #[error("the session was ended while this request ran, so its changes are dropped")]
    Gone,
    /// The session was logged in or renewed after the request opened it, or the request carried a
    /// token that was replaced within the last minute, or another request took or changed a value that
    /// this one [took](crate::Session::take): its changes are dropped. By the policy `on_gone` the
    /// client gets 409 or the handler's response, and 409 in either case where the request took a
    /// value; its cookie is not touched, since it may already hold the new token.
    #[error(
        "the session was logged in or renewed after this request got its token, or a value that this request took was taken or changed by another one, so its changes are dropped"
    )]
    Superseded,
    /// The owner has as many sessions as [`refuse_above`] lets live, so the login is refused. Nothing was
    /// saved, and the session is as it was. The client gets 409.
    ///
    /// [`refuse_above`]: crate::ServerSide::refuse_above
    #[error(
        "the login is refused: its owner has {limit} sessions, as many as `refuse_above` lets live; end one of them first, or use `at_most`, which ends the oldest"
    )]
    TooManySessions {
        /// How many sessions an owner may have.
        limit: usize,
    },
    /// The store is full. Nothing was saved. The client gets 503 with `Retry-After`.
    #[error("the session store is full; give it more room, or shorten `lifetime`")]
    Full,
    /// A newer version of this library wrote the record while this request ran. Nothing was written.
    /// The client gets 503 with `Retry-After`.
    #[error("{}", store::newer_format(*.format))]
    NewerFormat {
        /// The format of the record.
        format: u32,
    },
    /// The request's bearer token opens no session, and the request writes: the token was made up, has expired or
    /// was replaced, or its session has ended. Nothing was saved. The client gets 401 with `WWW-Authenticate`.
    #[error(
        "the request's bearer token opens no session, so its changes are dropped; its client logs in again"
    )]
    UnknownToken,
    /// The handler logged a client without cookies in, renewed its session, or wrote after its logout, and did not
    /// hand the new token out. Nothing was saved; the logout is carried out.
    #[error(
        "the session of a client without cookies got another token, which was not handed out and would be lost; call `bearer_token` after the login or the renewal"
    )]
    UntakenToken,
    /// `bearer_token` was called in a request with the session's cookie. The client gets 403.
    #[error(
        "the request has the session's cookie, so no bearer token is handed out: script in a page would get what `HttpOnly` keeps from it; the client sends no cookies"
    )]
    CameInCookie,
    /// `bearer_token` was called where there are no bearer tokens.
    #[error(
        "the interface hands out no bearer tokens; add `bearer` to its `#[session(…)]`, and keep its sessions in a store"
    )]
    NoBearer,
    /// `bearer_token` was called on a session that holds nothing, so that it is not stored.
    #[error("the session holds nothing, so there is no token to hand out; log in or write first")]
    NothingToHandOut,
    /// `bearer_token` was called on a null session.
    #[error("there is no session whose token could be handed out: {0}")]
    Null(NullSession),
    /// `save_now` or `bearer_token` was called on a session that is saved already.
    #[error(
        "the session is already saved; call `save_now` once, or `bearer_token` instead, before the handler returns"
    )]
    Saved,
    /// The future of `save_now` or `bearer_token` was dropped before it completed.
    #[error(
        "the future of `save_now` or `bearer_token` was dropped before it completed, so the session may or may not be saved; await it"
    )]
    Interrupted,
    /// `save_session` returned a token with a character that a cookie must not contain.
    #[error(
        "the token has a character that is not allowed in a cookie; encode it, for example as base64url"
    )]
    InvalidToken,
    /// The store cannot be reached, or the connection broke: then the session may be saved all the same.
    /// The client gets 503 with `Retry-After`.
    #[error("the session store is unavailable")]
    Unavailable {
        /// The store's error.
        source: Source,
    },
    /// The store takes no writes. Nothing was saved. The client gets 503 with `Retry-After`.
    #[error("the session store takes no writes; check that it is not a replica, and its disk")]
    ReadOnly {
        /// The store's error.
        source: Source,
    },
    /// The store did not answer in time. The session may or may not be saved. The client gets 503
    /// without `Retry-After`: a second try might do twice what the request does.
    #[error(
        "the session store did not answer within its deadline, so the session may or may not be saved; check its load, or raise `with_call_deadline`"
    )]
    Timeout,
    /// Any other failure.
    #[error("the session could not be saved")]
    Internal {
        /// The cause.
        source: Source,
    },
}

fn largest(key: Option<&str>) -> String {
    key.map(|key| format!("; the largest key is `{}`", Escaped(key))).unwrap_or_default()
}

impl SaveError {
    /// Wraps the error of a store that cannot be reached.
    pub fn unavailable(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Arc::new(source) }
    }

    /// Wraps any other error.
    pub fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal { source: Arc::new(source) }
    }
}

impl From<StoreError> for OpenError {
    fn from(err: StoreError) -> Self {
        SaveError::from(err).into()
    }
}

impl From<StoreError> for SaveError {
    fn from(err: StoreError) -> Self {
        match err {
            StoreError::Timeout => Self::Timeout,
            StoreError::Unavailable { source } => Self::Unavailable { source },
            StoreError::ReadOnly { source } => Self::ReadOnly { source },
            StoreError::Full => Self::Full,
            other @ StoreError::NoConnection { .. } => Self::unavailable(other),
            StoreError::TooLarge { length, limit } => {
                Self::PayloadTooLarge { length, limit, largest_key: None }
            }
            StoreError::NewerFormat { format } => Self::NewerFormat { format },
            other @ StoreError::Corrupt { .. } => Self::internal(other),
        }
    }
}

/// A failure of the store has the same cause in both, and saving within opening takes a session of
/// another framework over.
impl From<SaveError> for OpenError {
    fn from(err: SaveError) -> Self {
        match err {
            SaveError::Timeout => Self::Timeout,
            SaveError::Unavailable { source } => Self::Unavailable { source },
            SaveError::ReadOnly { source } => Self::ReadOnly { source },
            SaveError::Full => Self::Full,
            SaveError::NewerFormat { format } => Self::NewerFormat { format },
            other => Self::internal(other),
        }
    }
}
