//! The key of actix-session's cookies.

use std::{fmt, sync::Arc};

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    error::KeyError,
    key::{SecretKey, check_strength},
};

/// The length of a `cookie::Key`: one half signs, the other encrypts.
const LENGTH: usize = 64;
/// The HKDF info of `Key::derive_from`.
const HKDF_INFO: &[u8] = b"COOKIE;SIGNED:HMAC-SHA256;PRIVATE:AEAD-AES-256-GCM";

/// The key of an application on actix-session: `actix_web::cookie::Key`, byte for byte.
///
/// Clones share one buffer, which is overwritten when the last of them is dropped. `Debug` shows
/// the type's name only.
///
/// # Examples
///
/// ```
/// use sessions::import::ActixSessionKey;
/// # let master = actix_bytes();
/// # fn actix_bytes() -> Vec<u8> { (0..64u32).map(|n| (n * 151 % 251) as u8).collect() }
///
/// // let master = key.master(), from an `actix_web::cookie::Key`.
/// let key = ActixSessionKey::from_bytes(&master)?;
/// assert_eq!(format!("{key:?}"), "ActixSessionKey");
/// # Ok::<(), sessions::error::KeyError>(())
/// ```
#[derive(Clone)]
pub struct ActixSessionKey {
    bytes: Arc<Zeroizing<[u8; LENGTH]>>,
}

impl ActixSessionKey {
    /// Makes a key of the bytes that `Key::from` takes: 64 or more, of which the first 64 count.
    ///
    /// # Errors
    ///
    /// [`KeyError::Encoding`] for fewer bytes, [`KeyError::Weak`] for bytes that can be guessed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = Self::for_interoperation(bytes)?;
        check_strength(&key.bytes[..])?;
        Ok(key)
    }

    /// Makes a key of the bytes that `Key::from` takes, even if they can be guessed, since an
    /// existing system uses them.
    ///
    /// # Security
    ///
    /// An attacker who guesses the key can write sessions, and the import accepts them. Prefer to
    /// log out all clients.
    ///
    /// # Errors
    ///
    /// [`KeyError::Encoding`] for fewer than 64 bytes.
    pub fn for_interoperation(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.first_chunk::<LENGTH>().ok_or(KeyError::Encoding {
            expected: "64 bytes or more, as `cookie::Key` takes them",
        })?;
        Ok(Self { bytes: Arc::new(Zeroizing::new(*bytes)) })
    }

    /// Derives a key from the bytes that `Key::derive_from` takes: 32 or more.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`] and [`KeyError::Weak`].
    pub fn derive_from(master: &[u8]) -> Result<Self, KeyError> {
        if master.len() < SecretKey::MIN_LENGTH {
            return Err(KeyError::TooShort {
                length: master.len(),
                minimum: SecretKey::MIN_LENGTH,
            });
        }
        check_strength(master)?;
        Ok(Self { bytes: Arc::new(expand(master)) })
    }

    pub(super) fn signing(&self) -> &[u8; 32] {
        self.bytes.first_chunk().expect("half of 64 bytes")
    }

    pub(super) fn encryption(&self) -> &[u8; 32] {
        self.bytes.last_chunk().expect("half of 64 bytes")
    }
}

fn expand(master: &[u8]) -> Zeroizing<[u8; LENGTH]> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    Hkdf::<Sha256>::from_prk(master)
        .expect("a master key is at least as long as a hash")
        .expand(HKDF_INFO, &mut bytes[..])
        .expect("HKDF gives more than two hashes");
    bytes
}

impl fmt::Debug for ActixSessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActixSessionKey")
    }
}
