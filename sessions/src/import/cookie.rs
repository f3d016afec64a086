//! The format of actix-session's cookies: the signed and private jars of the crate `cookie`.
//!
//! A value is percent-encoded. A signed one is the base64 of an HMAC-SHA256, followed by the signed
//! content. A private one is the base64 of nonce, AES-256-GCM ciphertext and tag, with the cookie's
//! name as associated data.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use sessions_policy::CookieName;
use sha2::Sha256;

use super::key::ActixSessionKey;
use crate::token::signed::Rejected;

/// The base64 of 32 bytes.
const SIGNATURE_LENGTH: usize = 44;
const NONCE_LENGTH: usize = 12;
/// The longest content that actix-session accepts, in bytes.
const MAX_CONTENT: usize = 4064;

/// The characters of a valid name that the crate `cookie` encodes.
const ENCODED_IN_NAMES: &AsciiSet = &CONTROLS.add(b'#').add(b'%').add(b'^').add(b'`').add(b'|');

/// How a cookie is protected from its client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protection {
    Signed,
    Private,
}

/// A value that verified.
pub(super) struct Opened {
    /// The session, or the key of its record.
    pub(super) content: String,
    /// The value without its percent-encoding, which a client may change. The rest has one spelling.
    pub(super) decoded: String,
}

/// Opens the value of the cookie called `name`.
pub(super) fn open(
    value: &[u8],
    name: &str,
    key: &ActixSessionKey,
    protection: Protection,
) -> Result<Opened, Rejected> {
    let value = percent_decode(value).decode_utf8().map_err(|_| Rejected::Format)?;
    let content = match protection {
        Protection::Signed => verify(&value, key)?.to_owned(),
        Protection::Private => unseal(&value, name, key)?,
    };
    if content.len() > MAX_CONTENT {
        return Err(Rejected::Format);
    }
    Ok(Opened { content, decoded: value.into_owned() })
}

fn verify<'v>(value: &'v str, key: &ActixSessionKey) -> Result<&'v str, Rejected> {
    let (signature, content) = value.split_at_checked(SIGNATURE_LENGTH).ok_or(Rejected::Format)?;
    let signature = STANDARD.decode(signature).map_err(|_| Rejected::Format)?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.signing()).expect("HMAC takes keys of any length");
    mac.update(content.as_bytes());
    mac.verify_slice(&signature).map_err(|_| Rejected::Signature)?;
    Ok(content)
}

fn unseal(value: &str, name: &str, key: &ActixSessionKey) -> Result<String, Rejected> {
    let sealed = STANDARD.decode(value).map_err(|_| Rejected::Format)?;
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LENGTH).ok_or(Rejected::Format)?;
    let nonce = nonce.try_into().map_err(|_| Rejected::Format)?;
    let payload = Payload { msg: sealed, aad: name.as_bytes() };
    let content = Aes256Gcm::new(key.encryption().into())
        .decrypt(nonce, payload)
        .map_err(|_| Rejected::Signature)?;
    String::from_utf8(content).map_err(|_| Rejected::Format)
}

/// Returns the name as the crate `cookie` sends it.
pub(super) fn sent_name(name: &CookieName) -> CookieName {
    let sent = utf8_percent_encode(name.as_str(), ENCODED_IN_NAMES).to_string();
    // A name that encoding makes too long was never sent, so any name will do.
    CookieName::new(sent).unwrap_or_else(|_| name.clone())
}
