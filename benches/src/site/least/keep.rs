//! How the least sessions are kept: the token of a cookie, and where its content is.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use hkdf::Hkdf;
use hmac::Hmac;
use sha2::{Digest, Sha256};

use crate::floor::{self, BASE64, Opened};

/// Keeps sessions.
pub(super) trait Keep: 'static {
    /// Returns the content that the token stands for.
    fn open(&self, token: &[u8]) -> Option<Opened>;

    /// Keeps the content, and appends its token to the cookie. Returns whether the client gets it.
    fn save(&self, opened: &Opened, cookie: &mut String) -> bool;
}

/// In a signed cookie.
impl Keep for Hmac<Sha256> {
    fn open(&self, token: &[u8]) -> Option<Opened> {
        floor::open(self, token)
    }

    fn save(&self, opened: &Opened, cookie: &mut String) -> bool {
        floor::sign(self, &opened.json, cookie);
        true
    }
}

const SALT: usize = 32;
const TAG: usize = 16;

/// In an encrypted cookie, as this crate encrypts: AES-256-GCM with a key for each message, which HKDF derives
/// from a salt of the operating system's.
pub(super) struct Encrypted(Hkdf<Sha256>);

impl Encrypted {
    pub(super) fn new() -> Self {
        Self(Hkdf::new(None, &[7; 32]))
    }

    fn cipher(&self, salt: &[u8]) -> Aes256Gcm {
        let mut key = [0; 32];
        self.0.expand(salt, &mut key).expect("one block of SHA-256");
        Aes256Gcm::new(&key.into())
    }
}

impl Keep for Encrypted {
    fn open(&self, token: &[u8]) -> Option<Opened> {
        let mut bytes = BASE64.decode(token).ok()?;
        let (salt, sealed) = bytes.split_at_mut_checked(SALT)?;
        let (text, tag) = sealed.split_at_mut_checked(sealed.len().checked_sub(TAG)?)?;
        let tag: [u8; TAG] = (&*tag).try_into().ok()?;
        let nonce = Nonce::from([0; 12]);
        let cipher = self.cipher(salt);
        cipher.decrypt_inout_detached(&nonce, b"", text.into(), &tag.into()).ok()?;
        Opened::of(text.to_vec())
    }

    fn save(&self, opened: &Opened, cookie: &mut String) -> bool {
        let mut bytes = Vec::with_capacity(SALT + opened.json.len() + TAG);
        bytes.resize(SALT, 0);
        getrandom::fill(&mut bytes).expect("the operating system has randomness");
        bytes.extend_from_slice(&opened.json);
        let (salt, text) = bytes.split_at_mut(SALT);
        let tag = self.cipher(salt).encrypt_inout_detached(&Nonce::from([0; 12]), b"", text.into());
        bytes.extend_from_slice(&tag.expect("the text is short"));
        BASE64.encode_string(bytes, cookie);
        true
    }
}

const HALF: usize = 16;
const HASH: usize = 32;

/// In memory, as this crate finds sessions: by the SHA-256 of half of a token, next to the SHA-256 of the other
/// half, both drawn from the operating system. For one thread, and for ever.
#[derive(Default)]
pub(super) struct Memory {
    records: RefCell<HashMap<[u8; HASH], Record, BuildHasherDefault<FirstBytes>>>,
}

struct Record {
    json: Vec<u8>,
    verifier: [u8; HASH],
}

/// The first bytes of a hash are one.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length of the array, which is no part of its hash.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

fn hash(half: &[u8]) -> [u8; HASH] {
    Sha256::digest(half).into()
}

impl Keep for Memory {
    fn open(&self, token: &[u8]) -> Option<Opened> {
        let mut halves = [0; 2 * HALF + 2];
        let length = BASE64.decode_slice(token, &mut halves).ok()?;
        let (selector, verifier) = halves[..length].split_at_checked(HALF)?;
        let key = hash(selector);
        let records = self.records.borrow();
        let record = records.get(&key).filter(|record| record.verifier == hash(verifier))?;
        Some(Opened { key: Some(key), ..Opened::of(record.json.clone())? })
    }

    fn save(&self, opened: &Opened, cookie: &mut String) -> bool {
        if let Some(key) = opened.key {
            if let Some(record) = self.records.borrow_mut().get_mut(&key) {
                record.json.clone_from(&opened.json);
            }
            return false;
        }
        let mut halves = [0; 2 * HALF];
        getrandom::fill(&mut halves).expect("the operating system has randomness");
        let (selector, verifier) = halves.split_at(HALF);
        let record = Record { json: opened.json.clone(), verifier: hash(verifier) };
        self.records.borrow_mut().insert(hash(selector), record);
        BASE64.encode_string(halves, cookie);
        true
    }
}
