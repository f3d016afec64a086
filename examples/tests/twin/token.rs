//! Flask's tokens, signed here once more: for sessions that no page makes, and for older ones.

use std::{
    io::Read,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::read::ZlibDecoder;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// A token, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    /// As it stands there, encoded.
    pub(crate) payload: String,
    pub(crate) signed_at: SystemTime,
    signature: String,
}

impl Token {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (payload, seconds) = signed.rsplit_once('.')?;
        let seconds = URL_SAFE_NO_PAD.decode(seconds).ok()?;
        let seconds = seconds.iter().fold(0, |seconds, byte| seconds << 8 | u64::from(*byte));
        Some(Self {
            payload: payload.to_owned(),
            // A damaged one may be beyond all time.
            signed_at: UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?,
            signature: signature.to_owned(),
        })
    }

    /// Returns the JSON text of its session.
    pub(crate) fn json(&self) -> String {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64");
        let bytes = match self.payload.strip_prefix('.') {
            None => decode(&self.payload),
            Some(compressed) => {
                let mut json = Vec::new();
                let read = ZlibDecoder::new(&*decode(compressed)).read_to_end(&mut json);
                read.expect("zlib");
                json
            }
        };
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Signs the JSON text of a session.
    pub(crate) fn of_json(json: &str, key: &str) -> String {
        sign(&URL_SAFE_NO_PAD.encode(json), SystemTime::now(), key)
    }

    /// Signs the same payload as of a time before.
    pub(crate) fn older(&self, by: Duration, key: &str) -> String {
        sign(&self.payload, self.signed_at - by, key)
    }

    /// Whether this key made the signature.
    pub(crate) fn is_signed_by(&self, key: &str) -> bool {
        let token = sign(&self.payload, self.signed_at, key);
        token.rsplit_once('.').is_some_and(|(_, signature)| signature == self.signature)
    }
}

fn sign(payload: &str, at: SystemTime, key: &str) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs().to_be_bytes();
    let first = seconds.iter().position(|byte| *byte != 0).unwrap_or(7);
    let signed = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(&seconds[first..]));
    let derived = mac(key.as_bytes(), b"cookie-session");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(&derived, signed.as_bytes())))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
