//! The values of actix-session's cookies: the `cookie` crate's signed and private jars.
//!
//! A value is percent-encoded. Signed, it is the base64 of an HMAC-SHA256 and then what it signs;
//! private, the base64 of nonce, AES-256-GCM ciphertext and tag, with the cookie's name as
//! associated data.

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
/// The longest content that actix-session takes, in bytes.
const MAX_CONTENT: usize = 4064;

/// Of what a name may hold, what the `cookie` crate encodes.
const ENCODED_IN_NAMES: &AsciiSet = &CONTROLS.add(b'#').add(b'%').add(b'^').add(b'`').add(b'|');

/// How a cookie is protected from its client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protection {
    Signed,
    Private,
}

/// Returns what the cookie called `name` says: the session, or the key of its record.
pub(super) fn open(
    value: &[u8],
    name: &str,
    key: &ActixSessionKey,
    protection: Protection,
) -> Result<String, Rejected> {
    let value = percent_decode(value).decode_utf8().map_err(|_| Rejected::Format)?;
    let content = match protection {
        Protection::Signed => verify(&value, key)?.to_owned(),
        Protection::Private => unseal(&value, name, key)?,
    };
    if content.len() > MAX_CONTENT {
        return Err(Rejected::Format);
    }
    Ok(content)
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

/// Returns the name as the `cookie` crate sends it.
pub(super) fn sent_name(name: &CookieName) -> CookieName {
    let sent = utf8_percent_encode(name.as_str(), ENCODED_IN_NAMES).to_string();
    // One that gets too long was never sent.
    CookieName::new(sent).unwrap_or_else(|_| name.clone())
}
