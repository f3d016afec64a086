//! The error of a missing or unusable key.

use std::{fmt, io, path::Path};

/// The error of bytes, a variable or a file that gives no usable secret key.
///
/// Converts into [`io::Error`], so that `?` works in a `main` that returns one.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is shorter than 32 bytes.
    #[error(
        "the key has {length} bytes and needs at least {minimum}; make one with `openssl rand -base64 48`"
    )]
    TooShort {
        /// Its length in bytes.
        length: usize,
        /// The required length in bytes.
        minimum: usize,
    },
    /// The key has no bytes at all.
    #[error("the key is empty; make one with `openssl rand -base64 48`")]
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
    /// The variable holds a key that is not accepted.
    #[error("the environment variable `{variable}` holds no usable key: {source}")]
    Variable {
        /// Its name.
        variable: Box<str>,
        /// Why the key is not accepted.
        #[source]
        source: Box<KeyError>,
    },
    /// The key is not in the expected encoding.
    #[error("the key is not {expected}")]
    Encoding {
        /// The expected encoding.
        expected: &'static str,
    },
    /// The operating system returned no random bytes.
    #[error("no key can be generated, since the operating system returned no random bytes")]
    Random {
        /// The operating system's error.
        source: io::Error,
    },
    /// The key's file cannot be read or created.
    #[error("the key's file `{}` cannot be used: {source}", path.display())]
    File {
        /// The path of the file.
        path: Box<Path>,
        /// The operating system's error.
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
