//! Why a configuration is refused.

use std::fmt;

use sessions_policy::{DomainError, LifetimeError, NameError, PathError, PolicyError};

/// Why there must be no cookie of these policies.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is none.
    #[error("the cookie's name is wrong: {0}")]
    Name(#[from] NameError),
    /// The domain is none.
    #[error("the cookie's domain is wrong: {0}")]
    Domain(#[from] DomainError),
    /// The path is none.
    #[error("the cookie's path is wrong: {0}")]
    Path(#[from] PathError),
    /// Policies contradict each other.
    #[error("the cookie's policies contradict each other: {0}")]
    Policy(#[from] PolicyError),
}

/// Why an interface must not be built with its attributes and its configuration.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The cookie's policies contradict each other.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// A lifetime or timeout is out of range, or two of them contradict each other.
    #[error(transparent)]
    Lifetime(#[from] LifetimeError),
    /// The type of `#[session(data = …)]` cannot be the content of a session.
    #[error("`{data}` cannot be the content of a session: {problem}")]
    Data {
        /// The type.
        data: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
}

impl From<ConfigError> for std::io::Error {
    fn from(err: ConfigError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, err)
    }
}

/// A setting that was read from the environment or a file and is not what it should be.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error("`{name}` is wrong: {problem}; a right value is {example}")]
pub struct InvalidSetting {
    pub(crate) name: String,
    pub(crate) problem: String,
    pub(crate) example: &'static str,
}

impl InvalidSetting {
    /// Returns the name of the variable or field.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<InvalidSetting> for std::io::Error {
    fn from(err: InvalidSetting) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, err)
    }
}

/// These end a `main`, which prints the `Debug` of its error: the message.
macro_rules! debug_shows_the_message {
    ($($error:ty),*) => {$(
        impl fmt::Debug for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_shows_the_message!(ConfigError, CookieError, InvalidSetting);
