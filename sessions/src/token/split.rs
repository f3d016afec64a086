//! The token of a server-side session: `selector.verifier`.
//!
//! The store finds a record by the SHA-256 of the selector, and the record holds the SHA-256 of the
//! verifier. An attacker who reads the store cannot make a token, and one who measures how long the
//! store takes learns nothing about the verifier. A renewal changes only the verifier.

use std::fmt;

use zeroize::Zeroizing;

use super::text::TokenText;
use crate::codec::base64url::decode_16;

/// The bytes of each half: 128 random bits (OWASP ASVS 5.0, 7.2.3).
const HALF: usize = 16;
/// The characters of each half.
const HALF_TEXT: usize = (HALF * 8).div_ceil(6);

/// A token: 22 characters of base64url, a dot, 22 characters. It has one spelling.
#[derive(Clone)]
pub(crate) struct SplitToken {
    selector: [u8; HALF],
    verifier: Zeroizing<[u8; HALF]>,
}

impl SplitToken {
    /// Generates a token for a new session.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        // Both halves in one system call.
        let mut drawn = Zeroizing::new([[0; HALF]; 2]);
        getrandom::fill(drawn.as_flattened_mut())?;
        let [selector, verifier] = *drawn;
        Ok(Self { selector, verifier: Zeroizing::new(verifier) })
    }

    /// Generates the next token of the same session, for a renewal.
    pub(crate) fn renewed(&self) -> Result<Self, getrandom::Error> {
        let mut token = self.clone();
        getrandom::fill(token.verifier.as_mut_slice())?;
        Ok(token)
    }

    /// Parses a token. Returns `None` for any text that [`to_text`](Self::to_text) does not write.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (selector, rest) = text.split_at_checked(HALF_TEXT)?;
        let (dot, verifier) = rest.split_first()?;
        if *dot != b'.' {
            return None;
        }
        Some(Self {
            selector: decode_16(selector)?,
            verifier: Zeroizing::new(decode_16(verifier)?),
        })
    }

    /// Returns the token's text, which needs no encoding in a cookie.
    pub(crate) fn to_text(&self) -> TokenText {
        // With capacity for a signature.
        let mut text = TokenText::with_capacity(HALF_TEXT * 4 + 2);
        text.push_short(&self.selector);
        text.push_dot();
        text.push_short(self.verifier.as_slice());
        text
    }

    pub(crate) fn selector(&self) -> &[u8] {
        self.selector.as_slice()
    }

    pub(crate) fn verifier(&self) -> &[u8] {
        self.verifier.as_slice()
    }
}

impl fmt::Debug for SplitToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SplitToken")
    }
}

#[cfg(test)]
mod tests {
    use super::SplitToken;

    #[test]
    fn each_token_has_one_spelling() {
        let token = SplitToken::random().unwrap();
        let text = token.to_text().into_string();
        assert_eq!(text.len(), 45);
        let read = SplitToken::parse(text.as_bytes()).unwrap();
        assert_eq!(read.to_text().into_string(), text);

        let mut accepted = 0;
        for at in 0..text.len() {
            for byte in 0..=255u8 {
                let mut other = text.clone().into_bytes();
                other[at] = byte;
                if let Some(read) = SplitToken::parse(&other) {
                    assert_eq!(read.to_text().as_bytes(), other);
                    accepted += 1;
                }
            }
        }
        // 21 characters of each half take any of 64 values, the last one holds two bits: 4 values.
        assert_eq!(accepted, 2 * (21 * 64 + 4) + 1);
        for cut in 0..text.len() {
            assert!(SplitToken::parse(&text.as_bytes()[..cut]).is_none());
        }
        assert!(SplitToken::parse(format!("{text}=").as_bytes()).is_none());
    }

    #[test]
    fn a_renewal_keeps_the_key_and_changes_the_verifier() {
        let token = SplitToken::random().unwrap();
        let renewed = token.renewed().unwrap();
        assert!(renewed.selector() == token.selector());
        assert!(renewed.verifier() != token.verifier());
        assert!(SplitToken::random().unwrap().selector() != token.selector());
    }

    #[test]
    fn debug_shows_the_type_name_only() {
        assert_eq!(format!("{:?}", SplitToken::random().unwrap()), "SplitToken");
    }
}
