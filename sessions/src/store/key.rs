//! The keys of records and of owners.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
};

use base64::Engine;
use sha2::{Digest, Sha256};

use crate::codec::{CANONICAL, base64url::encode_short};

/// Bytes of a SHA-256.
pub(crate) const HASH_LENGTH: usize = 32;

/// Characters of a SHA-256 in base64url.
pub(crate) const HASH_TEXT: usize = 43;

/// How many bytes are hashed at most, unless the name or the salt is long.
const USUAL_INPUT: usize = 128;

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

            /// Returns the key of these bytes: those of [`as_bytes`](Self::as_bytes).
            pub fn from_bytes(bytes: [u8; HASH_LENGTH]) -> Self {
                Self(bytes)
            }

            /// Reads the text that `Display` wrote. Returns `None` for any other.
            pub fn parse(text: impl AsRef<[u8]>) -> Option<Self> {
                decode_hash(text.as_ref()).map(Self)
            }
        }

        /// Base64url without padding: 43 characters.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(encode_hash(&self.0, &mut [0; HASH_TEXT]))
            }
        }

        impl fmt::Debug for $name {
            /// Shows only the name of the type: keys stay out of logs.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

hash_key! {
    /// The key of a record: the SHA-256 of the first half of its token and of what the token is for.
    /// Evenly distributed, and out of a client's control.
    RecordKey
}

hash_key! {
    /// The key of an owner: the SHA-256 of the namespace and the id that the application gave.
    OwnerKey
}

/// What tokens are for: the cookie of this name, or the interfaces with this salt, and how they travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose<'p> {
    Cookie(&'p str),
    Salt(&'p str),
    /// No token: what is kept for an owner.
    Owner,
    /// In `Authorization`, for the interface whose cookie has this name.
    Bearer(&'p str),
    /// In `Authorization`, for the interfaces with this salt.
    BearerSalt(&'p str),
}

impl Purpose<'_> {
    /// Hashes one half of a token with its purpose, so that the token of one cookie is worth nothing in
    /// another. The half has a fixed length, and ends the input.
    pub(super) fn hash(self, half: &str, bytes: &[u8]) -> [u8; HASH_LENGTH] {
        let (kind, text) = match self {
            Self::Cookie(name) => ("\0cookie\0", name),
            Self::Salt(salt) => ("\0salt\0", salt),
            Self::Owner => ("\0owner\0", ""),
            Self::Bearer(name) => ("\0bearer\0", name),
            Self::BearerSalt(salt) => ("\0bearer salt\0", salt),
        };
        let parts = [half.as_bytes(), kind.as_bytes(), text.as_bytes(), b"\0", bytes];
        // Collected first, since each part that is hashed by itself costs as much as a copy of all.
        let mut input = [0; USUAL_INPUT];
        let mut length = 0;
        for part in parts {
            let Some(room) = input.get_mut(length..length + part.len()) else {
                return Sha256::digest(parts.concat()).into();
            };
            room.copy_from_slice(part);
            length += part.len();
        }
        Sha256::digest(&input[..length]).into()
    }
}

impl RecordKey {
    pub(crate) fn of_selector(purpose: Purpose<'_>, selector: &[u8]) -> Self {
        Self(purpose.hash("record", selector))
    }

    /// Returns the key of the places that an owner's logins take.
    pub(crate) fn of_places(owner: &OwnerKey) -> Self {
        Self(Purpose::Owner.hash("places", owner.as_bytes()))
    }
}

#[cfg(feature = "import-actix-session")]
impl RecordKey {
    /// Returns the key of the mark that a session of another framework was taken over by the interfaces
    /// with this purpose.
    pub(crate) fn of_takeover(purpose: Purpose<'_>, id: &[u8; HASH_LENGTH]) -> Self {
        Self(purpose.hash("takeover", id))
    }
}

impl OwnerKey {
    /// The length stands before the namespace, so that no id continues another namespace.
    pub(crate) fn of_id(namespace: &str, id: &str) -> Self {
        let mut sha = Sha256::new_with_prefix((namespace.len() as u64).to_be_bytes());
        sha.update(namespace);
        sha.update(id);
        Self(sha.finalize().into())
    }
}

/// A map by keys of records that exist. Clients do not choose these keys.
pub(crate) type KeyMap<T> = HashMap<RecordKey, T, BuildHasherDefault<KeyHasher>>;

/// Takes eight bytes of the key, which is a hash already.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // The first byte selects the shard.
        if let Some(chunk) = bytes.get(1..).and_then(<[u8]>::first_chunk) {
            self.0 = u64::from_ne_bytes(*chunk);
        }
    }
}

/// Encodes a hash in base64url into `buffer`.
pub(crate) fn encode_hash<'b>(
    hash: &[u8; HASH_LENGTH],
    buffer: &'b mut [u8; HASH_TEXT],
) -> &'b str {
    str::from_utf8(encode_short(hash, buffer)).expect("base64url is ASCII")
}

pub(crate) fn decode_hash(text: &[u8]) -> Option<[u8; HASH_LENGTH]> {
    // The decoder needs room for whole groups of three.
    let mut room = [0; HASH_LENGTH + 1];
    let length = CANONICAL.decode_slice(text, &mut room).ok()?;
    room[..length].try_into().ok()
}
