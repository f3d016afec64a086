//! The text of a token while it is written: parts in base64url, and dots between them.

use base64::Engine;

use crate::codec::{
    CANONICAL,
    base64url::{SHORT_TEXT, encode_short},
};

/// Base64url and dots.
pub(crate) struct TokenText {
    bytes: Vec<u8>,
}

impl TokenText {
    pub(crate) fn with_capacity(room: usize) -> Self {
        Self { bytes: Vec::with_capacity(room) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends the encoding of bytes.
    pub(crate) fn push(&mut self, part: &[u8]) {
        let start = self.bytes.len();
        self.bytes.resize(start + (part.len() * 8).div_ceil(6), 0);
        let length = CANONICAL.encode_slice(part, &mut self.bytes[start..]);
        length.expect("the buffer has the length of the encoding");
    }

    /// Appends the encoding of bytes whose encoding has at most [`SHORT_TEXT`] characters.
    pub(crate) fn push_short(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(encode_short(part, &mut [0; SHORT_TEXT]));
    }

    /// Appends a part that is encoded already.
    #[cfg(feature = "flask")]
    pub(crate) fn push_encoded(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
    }

    pub(crate) fn push_dot(&mut self) {
        self.bytes.push(b'.');
    }

    pub(crate) fn into_string(self) -> String {
        String::from_utf8(self.bytes).expect("base64url and dots are ASCII")
    }
}
