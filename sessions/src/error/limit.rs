//! The limits of a session.

use std::fmt;

use sessions_policy::MAX_NAME_VALUE;

/// A limit that a write would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionLimit {
    /// The session would not fit in its cookie: name and value have at most 4,096 bytes (RFC 6265bis,
    /// 5.6).
    Cookie,
    /// The session would have more bytes of JSON.
    Payload {
        /// The limit in bytes.
        bytes: usize,
    },
    /// The session would have more bytes of JSON than are read from a compressed cookie.
    Inflated {
        /// The limit in bytes.
        bytes: usize,
    },
    /// The session would have more keys.
    Keys {
        /// The limit.
        keys: usize,
    },
    /// The request would have written more in all, including what it has overwritten or removed since.
    Writes {
        /// The limit in bytes. A write counts 48 bytes more than its key and its value, and the value of an
        /// update three times.
        bytes: usize,
    },
}

impl fmt::Display for SessionLimit {
    /// Says what would be exceeded, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie => write!(
                f,
                "the cookie's name and value would have more than {MAX_NAME_VALUE} bytes; store less, or keep sessions on the server"
            ),
            Self::Payload { bytes } => write!(
                f,
                "it would have more than {bytes} bytes of JSON; store less, or raise `with_max_payload`"
            ),
            Self::Inflated { bytes } => write!(
                f,
                "it would have more than {bytes} bytes of JSON; store less, or raise `with_max_inflated`"
            ),
            Self::Keys { keys } => write!(
                f,
                "it would have more than {keys} keys; keep a list or a map under one key, or raise `with_max_keys`"
            ),
            Self::Writes { bytes } => write!(
                f,
                "this request would have written more than {bytes} bytes, counting what it wrote over; write each key once"
            ),
        }
    }
}
