//! Writes values within the limits of a session.

use std::io::{self, Write};

use serde::Serialize;

use super::{Format, Limits};
use crate::error::SessionError;

/// Writes values in the format of a session, and stops at its limit.
#[derive(Clone, Copy, Default)]
#[expect(missing_debug_implementations, reason = "the type is not reachable from outside")]
pub struct Encoder {
    format: Format,
    limits: Limits,
}

impl Encoder {
    pub(super) fn new(format: Format, limits: Limits) -> Self {
        Self { format, limits }
    }

    pub(crate) fn format(self) -> Format {
        self.format
    }

    /// Returns the JSON text of a value.
    ///
    /// # Errors
    ///
    /// [`SessionError::Encode`], and [`SessionError::TooLarge`] for a value that is longer than the
    /// session may be. No more of it is written than that.
    pub(crate) fn encode<T: Serialize + ?Sized>(
        self,
        key: &str,
        value: &T,
    ) -> Result<String, SessionError> {
        let mut json = Bounded::new(self.limits.bytes());
        let written = self.format.write_to(&mut json, value);
        match written {
            Ok(()) if !json.is_full => Ok(String::from_utf8(json.bytes).expect("JSON is UTF-8")),
            written => Err(self.failed(key, json.is_full, written)),
        }
    }

    #[cold]
    fn failed(self, key: &str, is_full: bool, written: serde_json::Result<()>) -> SessionError {
        match written {
            Err(err) if !is_full => SessionError::Encode { key: key.into(), source: err.into() },
            _ => self.limits.exceeded(key),
        }
    }

    /// Returns the error of a key that no longer fits when so many bytes of values are written together.
    pub(crate) fn check_together(self, key: &str, bytes: usize) -> Result<(), SessionError> {
        if bytes > self.limits.bytes() { Err(self.limits.exceeded(key)) } else { Ok(()) }
    }
}

/// Bytes of a limited number.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    is_full: bool,
}

impl Bounded {
    fn new(limit: usize) -> Self {
        Self { bytes: Vec::with_capacity(128), limit, is_full: false }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
