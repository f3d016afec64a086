//! Why there is no key.

use std::{fmt, io, path::Path};

/// Why bytes, a variable or a file gave no secret key.
///
/// Converts into [`io::Error`], so that `?` works in a `main` that returns one.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is shorter than 32 bytes.
    #[error(
        "the key has {length} bytes, at least {minimum} are needed; make one with `openssl rand -base64 48`"
    )]
    TooShort {
        /// Its length in bytes.
        length: usize,
        /// The length that is needed, in bytes.
        minimum: usize,
    },
    /// The key has no bytes at all.
    #[error("the key is empty")]
    Empty,
    /// The key can be guessed.
    #[error("the key is weak: {because}; make one with `openssl rand -base64 48`")]
    Weak {
        /// What is wrong with it.
        because: &'static str,
    },
    /// The variable is not set, or empty.
    #[error(
        "the environment variable `{variable}` is not set; try `export {variable}=$(openssl rand -base64 48)`"
    )]
    Missing {
        /// Its name.
        variable: Box<str>,
    },
    /// The variable holds a key that is refused.
    #[error("the environment variable `{variable}` holds no usable key: {source}")]
    Variable {
        /// Its name.
        variable: Box<str>,
        /// Why its key is refused.
        #[source]
        source: Box<KeyError>,
    },
    /// The text is in another encoding.
    #[error("the key is not {expected}")]
    Encoding {
        /// What was expected.
        expected: &'static str,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random {
        /// What it said.
        source: io::Error,
    },
    /// The key's file cannot be read or made.
    #[error("the key's file `{}` cannot be used: {source}", path.display())]
    File {
        /// Where it is or should be.
        path: Box<Path>,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl KeyError {
    pub(crate) fn of_variable(self, variable: &str) -> Self {
        Self::Variable { variable: variable.into(), source: Box::new(self) }
    }
}

impl fmt::Debug for KeyError {
    /// Shows the message: a `main` that returns the error prints its `Debug`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<KeyError> for io::Error {
    fn from(err: KeyError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, err)
    }
}
