//! The token that a session's cookie is set to.

/// The value of a session's cookie. It has only characters that a cookie may contain (RFC 6265bis, 4.1.1), or is
/// not [valid](Self::is_valid).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    text: String,
    /// It is known to be valid.
    is_encoded: bool,
}

impl Token {
    /// The token of an interface.
    pub(crate) fn new(text: String) -> Self {
        Self { text, is_encoded: false }
    }

    /// A token of parts in base64url, and of dots.
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
