//! Secret keys, key rings, and their replacement while the server runs.

mod development;
mod log_id;
mod shared;
mod weak;

#[cfg(feature = "import-actix-session")]
pub(crate) use self::weak::check as check_strength;

use std::{env, fmt, sync::Arc};

use base64::{
    Engine,
    engine::DecodePaddingMode,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

pub use self::shared::{KeyUses, SharedKeys};
pub(crate) use self::{log_id::Kind as LogIdKind, shared::Ring};
use crate::{codec::same_bytes, error::KeyError};

/// A secret key of 32 bytes or more.
///
/// Clones share one buffer, which is overwritten when the last of them is dropped, and so is each
/// buffer on the heap that a constructor fills on the way. `Debug` shows the type's name only, and
/// nothing serialises a key.
///
/// # Security
///
/// What the caller passes by reference stays the caller's, and the process keeps its environment.
/// The stack is not overwritten.
///
/// An attacker who guesses the key can write sessions. Refused are keys of less than 32 bytes (256
/// bits, the strength of HMAC-SHA256), of a repeated pattern, of consecutive bytes, and of words
/// from examples and placeholders (OWASP ASVS 5.0, 11.2.3 and 13.3.1).
///
/// # Examples
///
/// ```
/// use sessions::SecretKey;
///
/// let key = SecretKey::generate();
/// assert_eq!(format!("{key:?}"), "SecretKey");
/// assert!(SecretKey::from_bytes(b"secret").is_err());
/// ```
#[derive(Clone)]
pub struct SecretKey {
    /// Invariant: not weak, except from `for_interoperation`. Every other constructor calls
    /// `from_bytes` or draws random bytes.
    bytes: Arc<KeyBytes>,
}

/// The bytes that clones of a key share.
pub(crate) struct KeyBytes(Zeroizing<Vec<u8>>);

impl SecretKey {
    /// The minimum length of a key, in bytes.
    pub const MIN_LENGTH: usize = 32;

    /// Makes a key of these bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`] and [`KeyError::Weak`].
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        Self::strong(Zeroizing::new(bytes.into()))
    }

    fn strong(bytes: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        weak::check(&bytes)?;
        Ok(Self { bytes: Arc::new(KeyBytes(bytes)) })
    }

    /// Makes a key of these bytes, however short or weak: only to share sessions with a system that
    /// has this key in use.
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`].
    ///
    /// # Security
    ///
    /// An attacker who guesses the key can write sessions. Give the other system a strong key as
    /// soon as you can, with this one as its fallback.
    #[cfg(feature = "flask")]
    pub fn for_interoperation(bytes: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(Self { bytes: Arc::new(KeyBytes(bytes)) })
    }

    /// Makes a key of the bytes of an environment variable, without decoding hex or base64.
    ///
    /// # Errors
    ///
    /// [`KeyError::Missing`] when the variable is not set or empty, and [`KeyError::Variable`] with
    /// an error of [`from_bytes`](Self::from_bytes).
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        let value = env::var_os(variable).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| KeyError::Missing { variable: variable.into() })?;
        Self::from_bytes(value.into_encoded_bytes()).map_err(|err| err.of_variable(variable))
    }

    /// Decodes a key from hexadecimal digits, two for each byte, of either case.
    ///
    /// # Errors
    ///
    /// [`KeyError::Encoding`] for anything but an even number of digits, and those of
    /// [`from_bytes`](Self::from_bytes).
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        const ENCODING: KeyError =
            KeyError::Encoding { expected: "an even number of hexadecimal digits" };
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        // A buffer that grows would leave a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
        for [high, low] in pairs {
            let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
            bytes.push(byte.ok_or(ENCODING)?);
        }
        if rest.is_empty() { Self::strong(bytes) } else { Err(ENCODING) }
    }

    /// Decodes a key from base64, in the standard or the URL-safe alphabet, padded or not.
    ///
    /// # Errors
    ///
    /// [`KeyError::Encoding`] for anything else, and those of [`from_bytes`](Self::from_bytes).
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let lenient =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabet = if text.contains(['-', '_']) {
            &base64::alphabet::URL_SAFE
        } else {
            &base64::alphabet::STANDARD
        };
        let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        let decoded = GeneralPurpose::new(alphabet, lenient).decode_slice(text, &mut bytes);
        bytes.truncate(decoded.map_err(|_| KeyError::Encoding { expected: "base64" })?);
        Self::strong(bytes)
    }

    /// Generates a key of 32 random bytes from the operating system.
    ///
    /// A session is valid only as long as its key is known: a key that is generated at every start
    /// logs out all clients at every restart. For development see
    /// [`for_development`](Self::for_development).
    ///
    /// # Panics
    ///
    /// When the operating system returns no random bytes; [`try_generate`](Self::try_generate)
    /// returns an error instead.
    pub fn generate() -> Self {
        Self::try_generate().expect("the operating system has random bytes")
    }

    /// Generates a key of 32 random bytes from the operating system.
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`] when the operating system returns no random bytes.
    pub fn try_generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new(vec![0; Self::MIN_LENGTH]);
        getrandom::fill(&mut bytes).map_err(|err| KeyError::Random { source: err.into() })?;
        Ok(Self { bytes: Arc::new(KeyBytes(bytes)) })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes.0
    }

    /// Returns the bytes that all clones of this key share.
    pub(crate) fn shared(&self) -> &Arc<KeyBytes> {
        &self.bytes
    }

    fn same_as(&self, other: &Self) -> bool {
        self.bytes.same_as(&other.bytes)
    }
}

impl KeyBytes {
    /// Compares in constant time, unless both are the same buffer.
    fn same_as(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || same_bytes(&self.0, &other.0)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

/// The current key, which signs, and keys that only verify: fallbacks for older tokens, and the next key,
/// under which other processes may sign already.
///
/// [`SharedKeys`] replaces a ring while the server runs, and says in which steps.
///
/// # Examples
///
/// ```
/// use sessions::{KeyRing, SecretKey};
///
/// let ring = KeyRing::new(SecretKey::generate()).with_fallback(SecretKey::generate());
/// assert_eq!(ring.fallbacks().len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: SecretKey,
    fallbacks: Vec<SecretKey>,
    next: Option<SecretKey>,
}

impl KeyRing {
    /// Returns a ring with this key and no other.
    pub fn new(current: SecretKey) -> Self {
        Self { current, fallbacks: Vec::new(), next: None }
    }

    /// Adds a key that verifies and never signs. A token under it is signed again under the current key, in
    /// the response.
    ///
    /// # Security
    ///
    /// A leaked key must not become a fallback: an attacker who has it can write sessions as long
    /// as it verifies.
    #[must_use]
    pub fn with_fallback(mut self, key: SecretKey) -> Self {
        self.fallbacks.push(key);
        self
    }

    /// Sets the key that becomes the current one next. It verifies and does not sign; a token under it stays
    /// as it is.
    ///
    /// Processes do not change their keys at the same moment. A key that all of them verify before the first
    /// one signs with it logs no client out.
    #[must_use]
    pub fn with_next(mut self, key: SecretKey) -> Self {
        self.next = Some(key);
        self
    }

    /// Returns the key that signs.
    pub fn current(&self) -> &SecretKey {
        &self.current
    }

    /// Returns the keys that only verify tokens from before.
    pub fn fallbacks(&self) -> &[SecretKey] {
        &self.fallbacks
    }

    /// Returns the key that becomes the current one next.
    pub fn next_key(&self) -> Option<&SecretKey> {
        self.next.as_ref()
    }

    /// Returns all keys: the current one, the fallbacks, and the next one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SecretKey> {
        std::iter::once(&self.current).chain(&self.fallbacks).chain(&self.next)
    }

    /// Whether the key at this position of [`iter`](Self::iter) is a fallback.
    fn is_fallback(&self, at: usize) -> bool {
        (1..=self.fallbacks.len()).contains(&at)
    }

    /// Returns what the key at this position of [`iter`](Self::iter) is for.
    fn role(&self, at: usize) -> &'static str {
        match at {
            0 => "current",
            at if self.is_fallback(at) => "fallback",
            _ => "next",
        }
    }

    /// Whether these are the same keys, in the same order.
    fn same_as(&self, other: &Self) -> bool {
        let same = self.iter().zip(other.iter()).all(|(one, other)| one.same_as(other));
        let next = self.next.is_some() == other.next.is_some();
        same && next && self.fallbacks.len() == other.fallbacks.len()
    }
}

impl From<SecretKey> for KeyRing {
    fn from(current: SecretKey) -> Self {
        Self::new(current)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, SecretKey};

    const HEX: &str = "3d6f45a5fc12445dbac2f59c3b6c7cb1d1c0b8a7e2f4936d5b8a7c6e9f012345";

    #[test]
    fn debug_shows_the_type_name_only() {
        let key = SecretKey::from_hex(HEX).unwrap();
        assert_eq!(format!("{key:?}"), "SecretKey");
        let ring = KeyRing::new(key.clone()).with_fallback(key);
        assert_eq!(
            format!("{ring:?}"),
            "KeyRing { current: SecretKey, fallbacks: [SecretKey], next: None }"
        );
    }

    #[test]
    fn hex_and_base64_give_the_same_bytes() {
        let hex = SecretKey::from_hex(HEX).unwrap();
        let upper = SecretKey::from_hex(&HEX.to_uppercase()).unwrap();
        assert_eq!(hex.bytes(), upper.bytes());
        let standard = "PW9FpfwSRF26wvWcO2x8sdHAuKfi9JNtW4p8bp8BI0U";
        for text in [standard.to_owned(), format!("{standard}=")] {
            assert_eq!(SecretKey::from_base64(&text).unwrap().bytes(), hex.bytes(), "{text}");
        }
    }

    #[test]
    fn wrong_encodings_are_errors_that_name_the_encoding() {
        for text in [&HEX[1..], "zz", "é"] {
            let err = SecretKey::from_hex(text).unwrap_err();
            assert_eq!(err.to_string(), "the key is not an even number of hexadecimal digits");
        }
        let err = SecretKey::from_base64("not base64!").unwrap_err();
        assert_eq!(err.to_string(), "the key is not base64");
    }

    #[test]
    fn generated_keys_differ() {
        assert_ne!(SecretKey::generate().bytes(), SecretKey::generate().bytes());
    }

    #[test]
    fn a_missing_variable_is_named() {
        let err = SecretKey::from_env("SESSIONS_TEST_NO_SUCH_VARIABLE").unwrap_err();
        assert!(err.to_string().contains("SESSIONS_TEST_NO_SUCH_VARIABLE"), "{err}");
    }
}
