//! The key that actix-session protects its cookies with.

use std::{fmt, sync::Arc};

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    error::KeyError,
    key::{SecretKey, check_strength},
};

/// Half for signatures, half for encryption: the `cookie` crate's `Key`.
const LENGTH: usize = 64;
/// What `Key::derive_from` expands a master key with.
const DERIVED_FOR: &[u8] = b"COOKIE;SIGNED:HMAC-SHA256;PRIVATE:AEAD-AES-256-GCM";

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
/// // let master = key.master(), where there is an `actix_web::cookie::Key`.
/// let key = ActixSessionKey::from_bytes(&master)?;
/// assert_eq!(format!("{key:?}"), "ActixSessionKey");
/// # Ok::<(), sessions::error::KeyError>(())
/// ```
#[derive(Clone)]
pub struct ActixSessionKey {
    bytes: Arc<Zeroizing<[u8; LENGTH]>>,
}

impl ActixSessionKey {
    /// Takes the bytes that `Key::from` takes: 64 or more, of which the first 64 count.
    ///
    /// # Errors
    ///
    /// [`KeyError::Encoding`] for fewer bytes, [`KeyError::Weak`] for bytes that can be guessed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = Self::for_interoperation(bytes)?;
        check_strength(&key.bytes[..])?;
        Ok(key)
    }

    /// Takes the bytes that `Key::from` takes, even if they can be guessed, since an existing system
    /// has them.
    ///
    /// # Security
    ///
    /// Whoever guesses the key writes sessions, and the import takes them over. Prefer to log
    /// everybody out.
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

    /// Expands the bytes that `Key::derive_from` takes: 32 or more.
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
        .expect("a master key is no shorter than a hash")
        .expand(DERIVED_FOR, &mut bytes[..])
        .expect("two hashes are no more than HKDF gives");
    bytes
}

impl fmt::Debug for ActixSessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActixSessionKey")
    }
}
