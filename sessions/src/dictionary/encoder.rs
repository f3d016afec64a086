//! Writes values within the limits of a session.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    Format, Limits,
    member::{Member, push_key},
};
use crate::error::SessionError;

/// Room for the text of most values, in bytes.
const ROOM: usize = 128;

/// Writes values in the format of a session, and stops at its limit.
#[derive(Clone, Copy)]
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
        self.append(key, value, String::with_capacity(ROOM))
    }

    /// Returns the member of a key and a value.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode).
    pub(crate) fn member<T: Serialize + ?Sized>(
        self,
        key: &str,
        value: &T,
    ) -> Result<Member, SessionError> {
        let mut text = String::with_capacity(key.len() + ROOM);
        push_key(key, &mut text);
        let value_at = text.len();
        Ok(Member::from_text(self.append(key, value, text)?, value_at))
    }

    /// Appends the JSON text of a value.
    fn append<T: Serialize + ?Sized>(
        self,
        key: &str,
        value: &T,
        text: String,
    ) -> Result<String, SessionError> {
        let limit = self.limits.bytes().saturating_add(text.len());
        let mut json = Bounded { bytes: text.into_bytes(), limit, is_full: false };
        match self.format.write_to(&mut json, value) {
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

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    // `serde_json` writes through this only. The default would loop over `write`; a quote or a comma needs no copy.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes.len() + bytes.len() > self.limit {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match bytes {
            [byte] => self.bytes.push(*byte),
            _ => self.bytes.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
