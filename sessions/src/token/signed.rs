//! The URL-safe timed format of itsdangerous: `payload.timestamp.signature`.
//!
//! Payload and timestamp (seconds since 1970, big-endian, no leading zero bytes) are base64url
//! without padding. The signature is the HMAC of everything before the last dot; its key is another
//! HMAC, of the salt under the secret key (itsdangerous' `hmac` derivation). Reading is canonical:
//! each token has one spelling.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use memchr::memrchr;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::text::TokenText;
use crate::{
    codec::{
        base64url::{SHORT_TEXT, decode, decode_short, encode_short, longest_input},
        same_bytes,
    },
    key::SecretKey,
};

/// The length of a time of 8 bytes as base64url.
const SECONDS_ROOM: usize = 11;

/// The hash function of the signature.
///
/// A token does not name its algorithm: the one that is set here signs and verifies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// HMAC-SHA256.
    #[default]
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

/// Signs and verifies with one key and one salt. The state of the HMAC key is computed once.
pub(crate) struct Signer {
    keyed: Box<dyn Keyed>,
}

/// A keyed MAC before its first input, with its hash function erased.
trait Keyed: Send + Sync {
    /// Appends a dot and the MAC of `token`.
    fn push_mac(&self, token: &mut TokenText);

    /// Whether `signature` is the encoded MAC of `signed`. Compares in constant time.
    fn is_mac(&self, signed: &[u8], signature: &[u8]) -> bool;
}

impl<M: Mac + Clone + Send + Sync> Keyed for M {
    fn push_mac(&self, token: &mut TokenText) {
        let mac = self.clone().chain_update(token.as_bytes()).finalize().into_bytes();
        token.push_dot();
        token.push_short(&mac);
    }

    fn is_mac(&self, signed: &[u8], signature: &[u8]) -> bool {
        let mac = self.clone().chain_update(signed).finalize().into_bytes();
        same_bytes(encode_short(&mac, &mut [0; SHORT_TEXT]), signature)
    }
}

/// A token with a valid signature.
#[derive(Debug, PartialEq)]
pub(crate) struct Verified<'t> {
    payload: &'t [u8],
    /// When it was signed, in seconds since 1970.
    pub(crate) signed_at: u64,
}

/// Why a token is refused, for the log. Clients never learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    Format,
    Signature,
    /// Any failure of an encrypted token.
    Seal,
    Expired,
    FromTheFuture,
}

impl Rejected {
    /// Returns the reason of the event that tells of it.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Signature => "signature",
            Self::Seal => "seal",
            Self::Expired => "expired",
            Self::FromTheFuture => "future",
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "it is not in the format of a token",
            Self::Signature => "its signature does not verify",
            Self::Seal => "it does not decrypt",
            Self::Expired => "it is older than its lifetime",
            Self::FromTheFuture => "it was signed in the future",
        })
    }
}

impl Signer {
    pub(crate) fn new(key: &SecretKey, salt: &[u8], digest: HashAlgorithm) -> Self {
        match digest {
            HashAlgorithm::Sha256 => Self::of_mac(derive::<Hmac<Sha256>>(key, salt)),
            HashAlgorithm::Sha512 => Self::of_mac(derive::<Hmac<Sha512>>(key, salt)),
        }
    }

    /// Makes a signer from a keyed MAC.
    pub(super) fn of_mac(mac: impl Mac + Clone + Send + Sync + 'static) -> Self {
        Self { keyed: Box::new(mac) }
    }

    /// Returns the token for `payload`, signed at `now` in seconds since 1970.
    pub(crate) fn sign(&self, payload: &[u8], now: u64) -> String {
        let mut token = TokenText::with_capacity(token_room(payload.len() * 4 / 3));
        token.push(payload);
        self.append_time_and_signature(&mut token, now);
        token.into_string()
    }

    /// Returns the token for a payload that is encoded already.
    #[cfg(feature = "flask")]
    pub(crate) fn sign_text(&self, payload: &[u8], now: u64) -> String {
        let mut token = TokenText::with_capacity(token_room(payload.len()));
        token.push_encoded(payload);
        self.append_time_and_signature(&mut token, now);
        token.into_string()
    }

    fn append_time_and_signature(&self, token: &mut TokenText, now: u64) {
        token.push_dot();
        let seconds = &now.to_be_bytes()[now.leading_zeros() as usize / 8..];
        token.push_short(seconds);
        self.append_signature(token);
    }

    /// Appends a dot and the signature of `text`.
    pub(crate) fn append_signature(&self, text: &mut TokenText) {
        self.keyed.push_mac(text);
    }

    /// Returns the text before the signature, if the signature is valid.
    pub(crate) fn signed_part<'t>(&self, text: &'t [u8]) -> Result<&'t [u8], Rejected> {
        let (signed, signature) = split_last(text).ok_or(Rejected::Format)?;
        if self.keyed.is_mac(signed, signature) { Ok(signed) } else { Err(Rejected::Signature) }
    }

    /// Verifies the signature before it decodes anything.
    pub(crate) fn verify<'t>(&self, token: &'t [u8]) -> Result<Verified<'t>, Rejected> {
        let (payload, seconds) = split_last(self.signed_part(token)?).ok_or(Rejected::Format)?;
        let signed_at = decode_seconds(seconds).ok_or(Rejected::Format)?;
        Ok(Verified { payload, signed_at })
    }
}

impl Verified<'_> {
    /// Returns the encoded payload.
    #[cfg(feature = "flask")]
    pub(crate) fn text(&self) -> &[u8] {
        self.payload
    }

    /// Decodes the payload.
    pub(crate) fn decode(&self) -> Result<Vec<u8>, Rejected> {
        decode(self.payload).ok_or(Rejected::Format)
    }
}

/// Returns how many bytes a payload has at most whose token, signed at `now`, has at most `room` bytes.
pub(crate) fn longest_payload(room: usize, digest: HashAlgorithm, now: u64) -> usize {
    let mac: usize = match digest {
        HashAlgorithm::Sha256 => 32,
        HashAlgorithm::Sha512 => 64,
    };
    let seconds = (u64::BITS - now.leading_zeros()).div_ceil(8) as usize;
    let text = |bytes: usize| (bytes * 8).div_ceil(6);
    longest_input(room.saturating_sub(text(seconds) + text(mac) + "..".len()))
}

/// Checks the age of a token from the time `then`: at most `max_age`, or at most `leeway` in the
/// future. All in seconds.
pub(crate) fn check_age(then: u64, now: u64, max_age: u64, leeway: u64) -> Result<(), Rejected> {
    if then > now.saturating_add(leeway) {
        Err(Rejected::FromTheFuture)
    } else if now.saturating_sub(then) > max_age {
        Err(Rejected::Expired)
    } else {
        Ok(())
    }
}

/// Returns the capacity for a token.
fn token_room(payload: usize) -> usize {
    payload + SHORT_TEXT + SECONDS_ROOM + "..".len()
}

fn derive<M: Mac + KeyInit>(key: &SecretKey, salt: &[u8]) -> M {
    const ANY_LENGTH: &str = "HMAC takes keys of any length";
    let mut mac = <M as KeyInit>::new_from_slice(key.bytes()).expect(ANY_LENGTH);
    mac.update(salt);
    let derived = Zeroizing::new(mac.finalize().into_bytes().to_vec());
    <M as KeyInit>::new_from_slice(&derived).expect(ANY_LENGTH)
}

fn split_last(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = memrchr(b'.', text)?;
    Some((&text[..dot], &text[dot + 1..]))
}

fn decode_seconds(text: &[u8]) -> Option<u64> {
    let seconds = u64::try_from(decode_short(text)?).ok()?;
    // Leading zero bytes would be a second spelling, which itsdangerous never writes.
    let bytes = text.len() * 6 / 8;
    (bytes == (u64::BITS - seconds.leading_zeros()).div_ceil(8) as usize).then_some(seconds)
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}
