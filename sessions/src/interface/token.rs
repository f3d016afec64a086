//! The token that a session's cookie is set to.

/// The value of a session's cookie, and whether its characters are known to be allowed (cookie-octets; RFC
/// 6265bis, 4.1.1).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    text: String,
    /// This crate wrote it, in base64url and dots: it is not checked again.
    is_encoded: bool,
}

impl Token {
    /// A token of an interface, which is still to be checked.
    pub(crate) fn new(text: String) -> Self {
        Self { text, is_encoded: false }
    }

    /// A token that this crate wrote: parts in base64url, joined by dots.
    pub(crate) fn encoded(text: String) -> Self {
        debug_assert!(has_only_cookie_octets(&text), "base64url and dots are cookie-octets");
        Self { text, is_encoded: true }
    }

    /// Whether a cookie may contain its characters.
    pub(crate) fn is_valid(&self) -> bool {
        self.is_encoded || has_only_cookie_octets(&self.text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

fn has_only_cookie_octets(text: &str) -> bool {
    // No early return, so that the compiler vectorises the loop.
    text.bytes().fold(true, |all, byte| all & is_cookie_octet(byte))
}

/// Whether a cookie's value may contain this byte (RFC 6265bis, 4.1.1).
#[expect(clippy::needless_bitwise_bool, reason = "without branches the loop is vectorised")]
fn is_cookie_octet(byte: u8) -> bool {
    (byte > b' ')
        & (byte < 0x7f)
        & (byte != b'"')
        & (byte != b',')
        & (byte != b';')
        & (byte != b'\\')
}
