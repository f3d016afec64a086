//! AES-256-GCM under a key for each message, which HKDF-SHA256 derives from a key of the ring and 256
//! random bits, the message's salt. No key seals two messages, so the nonce is constant.

use aes_gcm::{
    AeadInOut, Aes256Gcm, KeyInit, Nonce,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::key::SecretKey;

/// The length of a salt, in bytes.
pub(crate) const SALT: usize = 32;
/// The length of a tag, in bytes.
pub(crate) const TAG: usize = 16;

const NONCE: [u8; 12] = [0; 12];

/// Seals and opens messages with one key of the ring.
pub(crate) struct Aead {
    keys: Hkdf<Sha256>,
}

impl Aead {
    /// Returns what seals messages of this mode. Modes are separate: a message of one is none of another.
    pub(crate) fn new(key: &SecretKey, mode: &[u8]) -> Self {
        Self { keys: Hkdf::new(Some(mode), key.bytes()) }
    }

    /// Encrypts `text` in its place, and returns its tag, which covers `associated` too. A salt is used
    /// once.
    pub(crate) fn seal(&self, salt: &[u8; SALT], associated: &[u8], text: &mut [u8]) -> [u8; TAG] {
        let tag =
            self.cipher(salt).encrypt_inout_detached(&Nonce::from(NONCE), associated, text.into());
        tag.expect("a message is shorter than 64 GiB").into()
    }

    /// Decrypts a ciphertext with its tag, or returns `None` where any of them is not as it was sealed.
    pub(crate) fn open(
        &self,
        salt: &[u8; SALT],
        associated: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let sealed = Payload { msg: sealed, aad: associated };
        self.cipher(salt).decrypt(&Nonce::from(NONCE), sealed).ok()
    }

    fn cipher(&self, salt: &[u8; SALT]) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; 32]);
        self.keys.expand(salt, key.as_mut_slice()).expect("32 bytes are one block of SHA-256");
        Aes256Gcm::new_from_slice(key.as_slice()).expect("32 bytes are a key of AES-256")
    }
}
