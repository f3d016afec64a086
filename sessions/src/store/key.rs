//! The keys of records and of owners.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
};

use base64::Engine;
use sha2::{Digest, Sha256};

use crate::codec::CANONICAL;

/// Bytes of a SHA-256.
pub(crate) const HASH_LENGTH: usize = 32;

macro_rules! hash_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; HASH_LENGTH]);

        impl $name {
            /// Returns the 32 bytes.
            pub fn as_bytes(&self) -> &[u8; HASH_LENGTH] {
                &self.0
            }

            /// Takes bytes that [`as_bytes`](Self::as_bytes) gave.
            pub fn from_bytes(bytes: [u8; HASH_LENGTH]) -> Self {
                Self(bytes)
            }

            /// Reads what `Display` wrote, or returns `None` for anything else.
            pub fn parse(text: impl AsRef<[u8]>) -> Option<Self> {
                decode_hash(text.as_ref()).map(Self)
            }
        }

        /// Base64url without padding: 43 characters.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&CANONICAL.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            /// Shows the type's name only: keys stay out of logs.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

hash_key! {
    /// What a record is kept under: the SHA-256 of the first half of its token. Evenly distributed,
    /// and chosen by nobody.
    RecordKey
}

hash_key! {
    /// What an owner's sessions are found by: the SHA-256 of the id that the application gave.
    OwnerKey
}

impl RecordKey {
    pub(crate) fn of_selector(selector: &[u8]) -> Self {
        Self(Sha256::digest(selector).into())
    }
}

impl OwnerKey {
    pub(crate) fn of_id(id: &str) -> Self {
        Self(Sha256::digest(id.as_bytes()).into())
    }
}

/// What is kept by records that are there: nobody chooses their keys.
pub(crate) type KeyMap<T> = HashMap<RecordKey, T, BuildHasherDefault<KeyHasher>>;

/// Takes eight bytes of the key: a SHA-256 is a hash already.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // The first byte chose the shard.
        if let Some(chunk) = bytes.get(1..).and_then(<[u8]>::first_chunk) {
            self.0 = u64::from_ne_bytes(*chunk);
        }
    }
}

pub(crate) fn decode_hash(text: &[u8]) -> Option<[u8; HASH_LENGTH]> {
    // The decoder wants room for whole groups of three.
    let mut room = [0; HASH_LENGTH + 1];
    let length = CANONICAL.decode_slice(text, &mut room).ok()?;
    room[..length].try_into().ok()
}
