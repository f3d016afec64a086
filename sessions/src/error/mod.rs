//! Errors, one enum per family of operations, and what each answers to the client.
//!
//! Clients see a status and an empty body; the reason goes to the log.

mod config;
mod key;
mod null_session;
mod response;

use std::{error::Error as StdError, fmt, sync::Arc};

use sessions_policy::MAX_NAME_VALUE;
pub use sessions_policy::{
    ChoiceError, DomainError, DurationError, LifetimeError, NameError, PathError, PolicyError,
    SameSiteError, Violation,
};

pub use self::{
    config::{ConfigError, CookieError, InvalidSetting},
    key::KeyError,
    null_session::NullSession,
};

type Source = Arc<dyn StdError + Send + Sync>;

/// Why a session could not be read or written by its handle.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A write to a null session. It says what is missing and what to set.
    #[error("there is no session to write to: {0}")]
    Null(NullSession),
    /// A write after the session was saved, which happens before the head of the response is
    /// sent. A streamed body can read the session, not write to it.
    #[error(
        "the session is already saved, since the head of the response was made; write before it is returned"
    )]
    Saved,
    /// The key is one of the framework's own.
    #[error("the key `{key}` is reserved for the framework; choose another")]
    ReservedKey {
        /// The key.
        key: Box<str>,
    },
    /// The value is there and of another type than asked for.
    #[error("the value of `{key}` is not of the type asked for")]
    Decode {
        /// The key.
        key: Box<str>,
        /// What the deserialiser found.
        source: serde_json::Error,
    },
    /// The value cannot be written as JSON.
    #[error("the value of `{key}` cannot be written as JSON")]
    Encode {
        /// The key.
        key: Box<str>,
        /// What the serialiser found.
        source: serde_json::Error,
    },
    /// Typed content cannot be written or read as a whole.
    #[error("`{data}` cannot be written to or read from the session")]
    Data {
        /// The type.
        data: &'static str,
        /// What serde found.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// `update` met another change between its read and its write 1,000 times in a row.
    #[error("the session was changed by others each time it was to be updated")]
    Contended,
}

impl fmt::Debug for SessionError {
    /// Shows the message without its source: serde quotes the value, and Actix logs the `Debug` of
    /// what handlers return.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionError({self})")
    }
}

/// The text is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is not one well-formed JSON object.
    #[error("the payload is not a JSON object")]
    NotAnObject,
    /// It is 4 GiB long or longer.
    #[error("the payload is longer than 4 GiB")]
    TooLong,
}

/// Why a session could not be opened. Remembered for the rest of the request.
///
/// A cookie that does not verify is no such error: it opens a new session.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store does not answer. The client gets 503 with `Retry-After`.
    #[error("the session store is unavailable")]
    Unavailable {
        /// What the store said.
        source: Source,
    },
    /// The store did not answer in time. The client gets 503 with `Retry-After`.
    #[error("the session store did not answer within its deadline")]
    Timeout,
    /// A policy gave this request a cookie that must not be. The client gets 500.
    #[error("the cookie's policies are wrong for this request")]
    Policy(#[from] CookieError),
    /// Two interfaces keep their sessions in cookies of one name. The client gets 500, and neither
    /// session is saved.
    #[error("{}", shared_cookie(cookie, one, other))]
    SharedCookie {
        /// The cookie's name.
        cookie: String,
        /// The interface whose session was asked for.
        one: &'static str,
        /// The other one.
        other: &'static str,
    },
    /// Anything else that is the server's fault. The client gets 500.
    #[error("the session could not be opened")]
    Internal {
        /// What went wrong.
        source: Source,
    },
}

impl OpenError {
    /// Wraps the error of a store that cannot be reached: 503.
    pub fn unavailable(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Arc::new(source) }
    }

    /// Wraps any other error: 500.
    pub fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal { source: Arc::new(source) }
    }
}

/// Why a handler or a middleware got no session.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// No middleware offers a session for this route.
    #[error(
        "no session for this route; wrap the `App`, or the scope this handler is in, with {missing}; \
         a middleware that uses the session stands before it, since Actix calls the last `wrap` first"
    )]
    NotWrapped {
        /// What to wrap: the interface asked for.
        missing: &'static str,
    },
    /// `Session` means the only one, and there is more than one.
    #[error("{}", ambiguous(inner, outer))]
    Ambiguous {
        /// The interface wrapped closest to the handler.
        inner: &'static str,
        /// The next one outside it.
        outer: &'static str,
    },
    /// The response is made, and the session was not used until then.
    #[error("the session was not opened before its response was made; open it earlier")]
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
        "`Session` is ambiguous here: both `{inner}` and `{outer}` are wrapped; write `Session<{}>` or \
         `Session<{}>`",
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

/// Why a session could not be saved. The client gets 500 without a cookie, instead of the
/// handler's response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// Browsers drop cookies of more than 4,096 bytes (RFC 6265bis, 5.6), so it is not sent.
    #[error(
        "the session does not fit in its cookie: {length} bytes for name and value, at most {MAX_NAME_VALUE}{}",
        largest(largest_key.as_deref())
    )]
    TooLarge {
        /// Bytes of name and value together.
        length: usize,
        /// The key that takes the most room.
        largest_key: Option<Box<str>>,
    },
    /// The session does not fit in its store. Nothing was saved.
    #[error(
        "the session is too large for its store: {length} bytes, at most {limit}{}",
        largest(largest_key.as_deref())
    )]
    PayloadTooLarge {
        /// Bytes of the content as JSON.
        length: usize,
        /// The most that is allowed, in bytes.
        limit: usize,
        /// The key that takes the most room.
        largest_key: Option<Box<str>>,
    },
    /// The session was ended by someone else while the request ran, and so what it changed is not
    /// saved. By the policy `on_gone` the client gets 409, or the handler's response; its cookie is
    /// removed in both cases.
    #[error("the session was ended while this request ran; what the request changed is dropped")]
    Gone,
    /// The session got a new token while the request ran, or before it, and the request came with
    /// the former one. By the policy `on_gone` the client gets 409, or the handler's response; its
    /// cookie, which may be the new one by now, is left alone.
    #[error(
        "the request came with a token from before the session was renewed; what it changed is dropped"
    )]
    Superseded,
    /// The store has no room. Nothing was saved. The client gets 503.
    #[error("the session store is full")]
    Full,
    /// `save_now` came second: the session was saved already.
    #[error("the session is already saved")]
    Saved,
    /// The handler dropped `save_now` before it was done.
    #[error("`save_now` was dropped before it was done; whether the session is saved is unknown")]
    Interrupted,
    /// `save_session` returned a token with characters that no cookie may hold.
    #[error(
        "the token holds a character that is not allowed in a cookie; encode it as base64url, say"
    )]
    InvalidToken,
    /// The store does not answer.
    #[error("the session store is unavailable")]
    Unavailable {
        /// What the store said.
        source: Source,
    },
    /// The store did not answer in time: whether the session is saved is unknown.
    #[error("the session store did not answer within its deadline")]
    Timeout,
    /// Anything else.
    #[error("the session could not be saved")]
    Internal {
        /// What went wrong.
        source: Source,
    },
}

fn largest(key: Option<&str>) -> String {
    key.map(|key| format!("; the largest key is `{key}`")).unwrap_or_default()
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
