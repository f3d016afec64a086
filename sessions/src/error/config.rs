//! Errors of a configuration.

use std::fmt;

use sessions_policy::{DomainError, LifetimeError, NameError, PathError, PolicyError};

/// The error of cookie policies that no browser accepts together.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is invalid.
    #[error("the cookie's name is invalid: {0}")]
    Name(#[from] NameError),
    /// The domain is invalid.
    #[error("the cookie's domain is invalid: {0}")]
    Domain(#[from] DomainError),
    /// The path is invalid.
    #[error("the cookie's path is invalid: {0}")]
    Path(#[from] PathError),
    /// Policies contradict each other.
    #[error("the cookie's policies contradict each other: {0}")]
    Policy(#[from] PolicyError),
}

/// The error of an interface whose attributes and configuration do not fit together.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The cookie's policies contradict each other.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// A lifetime or timeout is out of range, or two of them contradict each other.
    #[error(transparent)]
    Lifetime(#[from] LifetimeError),
    /// The backend has no secret key, so that every session is a null session.
    #[error("no secret key is set, so that there are no sessions and every write fails; {advice}")]
    NoKey {
        /// What to set.
        advice: &'static str,
    },
    /// Policies are set that have no effect with this backend.
    #[error("{}", messages.join("; "))]
    WithoutEffect {
        /// A sentence for each policy: what it applies to, and what to do.
        messages: Vec<String>,
    },
    /// The backend cannot work as it is set up.
    #[error("{problem}")]
    Unusable {
        /// What is wrong and what to do.
        problem: String,
    },
    /// The type of `#[session(data = …)]` cannot be the content of a session.
    #[error("`{data}` cannot be the content of a session: {problem}")]
    Data {
        /// The type.
        data: &'static str,
        /// What is wrong with it and what to do.
        problem: String,
    },
}

impl ConfigError {
    /// Returns the error of policies without effect, if there are any messages about them.
    pub(crate) fn unless_empty(messages: Vec<String>) -> Result<(), Self> {
        if messages.is_empty() { Ok(()) } else { Err(Self::WithoutEffect { messages }) }
    }

    /// Whether it is about the backend, so that the service starts: some requests need none of it.
    pub(crate) fn is_of_backend(&self) -> bool {
        matches!(self, Self::NoKey { .. } | Self::WithoutEffect { .. } | Self::Unusable { .. })
    }
}

impl From<ConfigError> for std::io::Error {
    fn from(err: ConfigError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, err)
    }
}

/// The error of an invalid setting in the environment or a file.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error("`{name}` is invalid: {problem}; a valid value is {example}")]
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

/// Shows the message as `Debug` too: a `main` that returns the error prints its `Debug`.
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
