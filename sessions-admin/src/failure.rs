//! Why a command did not do what it was asked, and its exit code.

use std::{fmt::Display, process::ExitCode};

/// A message for the operator, and the exit code that scripts read.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The store, a file or the system failed: 1.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// The arguments or the environment are wrong: 2, as for what the parser of arguments refuses.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 2 }
    }

    /// There is no such session, or the cookie does not verify: 3.
    pub(crate) fn nothing(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 3 }
    }

    /// Writes the message to standard error.
    pub(crate) fn report(self) -> ExitCode {
        eprintln!("sessions-admin: {}", self.message);
        ExitCode::from(self.code)
    }
}
