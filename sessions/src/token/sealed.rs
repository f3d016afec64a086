//! The format of encrypted cookies: version, salt, ciphertext and tag, as base64url.
//!
//! Each token has an AES-256-GCM key of its own, made of the token's salt ([`Aead`]). The version and the
//! purpose (the cookie's name, or the policy `salt`) are associated data. The
//! plaintext is the payload, followed by the time of sealing.

use std::fmt;

use super::{
    aead::{Aead, SALT, TAG},
    signed::Rejected,
    text::TokenText,
};
use crate::{
    codec::base64url::{decode, longest_input},
    key::SecretKey,
};

/// Separates these keys from others that are derived from the ring's keys.
const MODE: &[u8] = b"sessions.encrypted-cookie";
const VERSION: u8 = 1;
/// The length of the time of sealing, in bytes.
const SECONDS: usize = 8;
/// The version and the salt.
const HEAD: usize = 1 + SALT;

/// Seals and opens with one key of the ring, for one purpose.
pub(crate) struct Sealer {
    aead: Aead,
    /// The version and the purpose.
    associated: Vec<u8>,
}

/// The content of a token.
#[derive(Debug, PartialEq)]
pub(crate) struct Opened {
    pub(crate) payload: Vec<u8>,
    /// In seconds since 1970.
    pub(crate) sealed_at: u64,
}

/// Returns how many bytes a payload has at most whose token has at most `room` bytes.
pub(crate) fn longest_payload(room: usize) -> usize {
    longest_input(room).saturating_sub(HEAD + SECONDS + TAG)
}

impl Sealer {
    pub(crate) fn new(key: &SecretKey, purpose: &str) -> Self {
        let associated = [&[VERSION], purpose.as_bytes()].concat();
        Self { aead: Aead::new(key, MODE), associated }
    }

    /// Returns the token for `payload`, sealed at `now` in seconds since 1970.
    pub(crate) fn seal(&self, payload: &[u8], now: u64) -> Result<String, getrandom::Error> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt)?;
        Ok(self.seal_with(salt, payload, now))
    }

    fn seal_with(&self, salt: [u8; SALT], payload: &[u8], now: u64) -> String {
        let mut token = Vec::with_capacity(HEAD + payload.len() + SECONDS + TAG);
        token.push(VERSION);
        token.extend(salt);
        token.extend(payload);
        token.extend(now.to_be_bytes());
        let tag = self.aead.seal(&salt, &self.associated, &mut token[HEAD..]);
        token.extend(tag);
        let mut text = TokenText::with_capacity(token.len().div_ceil(3) * 4);
        text.push(&token);
        text.into_string()
    }

    /// Opens a token. All failures are the same error, so that an attacker does not learn how far a
    /// forgery got.
    pub(crate) fn open(&self, token: &[u8]) -> Result<Opened, Rejected> {
        self.try_open(token).ok_or(Rejected::Seal)
    }

    fn try_open(&self, token: &[u8]) -> Option<Opened> {
        let token = decode(token)?;
        let (head, sealed) = token.split_first_chunk::<HEAD>()?;
        let [VERSION, salt @ ..] = head else { return None };
        let mut payload = self.aead.open(salt, &self.associated, sealed)?;
        let (json, seconds) = payload.split_last_chunk::<SECONDS>()?;
        let (length, sealed_at) = (json.len(), u64::from_be_bytes(*seconds));
        payload.truncate(length);
        Some(Opened { payload, sealed_at })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use sha2::{Digest, Sha256};

    use super::{HEAD, Opened, Rejected, Sealer, TAG};
    use crate::{codec::CANONICAL, key::SecretKey};

    const KEY: &str = "001-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2";

    fn sealer(purpose: &str) -> Sealer {
        Sealer::new(&SecretKey::from_bytes(KEY).unwrap(), purpose)
    }

    /// The tokens are from another implementation: `tests/golden/make_encrypted.py`.
    #[test]
    fn writes_the_golden_tokens() {
        for (number, purpose, payload, now, token) in [
            (
                0,
                "sessions.encrypted-cookie.session",
                r#"{"visits":1}"#,
                0,
                "AVmF4XUsfKbK5W1dHvLYQSsosHaOcdJx3C7pVaROmUWaai_QOo7Q8iOJ0AGkfINREle1s1pp2G0soFrUrKMEQA6qp0HR",
            ),
            (
                9,
                "sessions.encrypted-cookie.__Host-app",
                r#"{"a":null,"b":[1,2.5,"x"],"c":{"d":true}}"#,
                1_099_511_627_776,
                "AVso4p-179LsV4yDcd7GJxBknt5hV3NhvCsWvLde6jD4BAFvBTGq4FhYpD3cz5BF5w5fA5-0D4hmw7I-E7LYZu3nYVgB4tcAeyxQGJuyJxJSVEf0_fQRRG-SgrOoqM-S46Q",
            ),
            (
                12,
                "",
                r#"{"visits":1}"#,
                65_536,
                "AfnDQmggN-nD21HEBSLTota34RFSQTHeafjNN4SJ8JGgxB6QdzeB5YMxAeGEvfiQr82OhSkJQr1ZQ7yDAcEWHtZLFMCy",
            ),
        ] {
            let salt = Sha256::digest(format!("token {number}")).into();
            assert_eq!(sealer(purpose).seal_with(salt, payload.as_bytes(), now), token);
        }
    }

    #[test]
    fn opens_what_it_sealed_for_the_same_purpose_only() {
        let sealer = sealer("a");
        for payload in [&b""[..], b"{}", &[0xff; 4_000]] {
            for now in [0, 1, u64::MAX] {
                let token = sealer.seal(payload, now).unwrap();
                assert_eq!(token.len(), ((payload.len() + 57) * 4).div_ceil(3));
                let opened = Opened { payload: payload.to_vec(), sealed_at: now };
                assert_eq!(sealer.open(token.as_bytes()), Ok(opened));
                for purpose in ["", "b", "aa", "A"] {
                    let other = self::sealer(purpose).open(token.as_bytes());
                    assert_eq!(other, Err(Rejected::Seal), "{purpose}");
                }
            }
        }
    }

    #[test]
    fn whatever_is_wrong_is_the_same_error() {
        let sealer = sealer("a");
        let token = CANONICAL.decode(sealer.seal(b"{}", 1).unwrap()).unwrap();
        let mut wrong = vec![Vec::new(), b"!".to_vec(), b"AAAA=".to_vec()];
        for cut in 0..token.len() {
            wrong.push(CANONICAL.encode(&token[..cut]).into_bytes());
        }
        // The version, the salt, the ciphertext, the tag.
        for at in [0, 1, HEAD - 1, HEAD, token.len() - TAG, token.len() - 1] {
            let mut other = token.clone();
            other[at] ^= 1;
            wrong.push(CANONICAL.encode(other).into_bytes());
        }
        for version in (0..=255).filter(|version| *version != token[0]) {
            wrong.push(CANONICAL.encode([&[version], &token[1..]].concat()).into_bytes());
        }
        for token in wrong {
            assert_eq!(sealer.open(&token), Err(Rejected::Seal));
        }
    }

    #[test]
    fn no_two_tokens_have_the_same_salt_or_ciphertext() {
        let full = std::env::var_os("SESSIONS_TEST_FULL").is_some();
        let figure = if full { 10_000_000 } else { 10_000 };
        let sealer = sealer("a");
        // Eight bytes of each are enough to detect equal ones.
        let (mut salts, mut texts) = (Vec::new(), Vec::new());
        for _ in 0..figure {
            let token = CANONICAL.decode(sealer.seal(b"{}", 1).unwrap()).unwrap();
            salts.push(*token[1..].first_chunk::<8>().unwrap());
            texts.push(*token[HEAD..].first_chunk::<8>().unwrap());
        }
        for drawn in [&mut salts, &mut texts] {
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), figure);
        }
        println!("{figure} tokens of one text: 0 salts and 0 ciphertexts twice");
    }

    #[test]
    fn debug_shows_the_type_name_only() {
        assert_eq!(format!("{:?}", sealer("a")), "Sealer");
    }
}
