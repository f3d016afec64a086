//! Flask's additions to the timed format: more hash functions, more key derivations, and payloads
//! that are compressed if that makes them shorter.

use std::io::{Read, Write};

use base64::Engine;
use blake2::{Blake2b512, Blake2s256};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use hmac::{
    Mac,
    digest::{Digest as Hash, block_api::BlockSizeUser},
};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};
use zeroize::Zeroizing;

use super::{
    keyed_hash::KeyedHash,
    signed::{Rejected, Signer},
};
use crate::{
    codec::{CANONICAL, base64url},
    key::SecretKey,
};

macro_rules! hash_algorithms {
    ($($(#[$doc:meta])* $name:ident($hash:ty) = $text:literal,)*) => {
        /// The hash function of Flask's signatures (`digest_method`): those of Python's `hashlib`
        /// that every platform has.
        ///
        /// The signing key is derived with the same function.
        ///
        /// # Security
        ///
        /// A collision of the hash does not forge an HMAC, so HMAC-SHA1, Flask's default, is not
        /// broken. Use a newer one in a new application (RFC 6151, section 2.3).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum HashAlgorithm {
            $($(#[$doc])* $name,)*
        }

        impl HashAlgorithm {
            /// All hash functions.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns its name in `hashlib`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }

        /// Makes a signer for one key and one salt.
        pub(crate) fn signer(
            key: &SecretKey,
            salt: &[u8],
            digest: HashAlgorithm,
            derivation: KeyDerivation,
        ) -> Signer {
            match digest {
                $(HashAlgorithm::$name => Signer::of_mac(keyed::<$hash>(key, salt, derivation)),)*
            }
        }
    };
}

hash_algorithms! {
    /// MD5.
    Md5(Md5) = "md5",
    /// SHA-1, Flask's default.
    #[default]
    Sha1(Sha1) = "sha1",
    /// SHA-224.
    Sha224(Sha224) = "sha224",
    /// SHA-256.
    Sha256(Sha256) = "sha256",
    /// SHA-384.
    Sha384(Sha384) = "sha384",
    /// SHA-512.
    Sha512(Sha512) = "sha512",
    /// SHA3-224.
    Sha3_224(Sha3_224) = "sha3_224",
    /// SHA3-256.
    Sha3_256(Sha3_256) = "sha3_256",
    /// SHA3-384.
    Sha3_384(Sha3_384) = "sha3_384",
    /// SHA3-512.
    Sha3_512(Sha3_512) = "sha3_512",
    /// `BLAKE2b` of 512 bits.
    Blake2b(Blake2b512) = "blake2b",
    /// `BLAKE2s` of 256 bits.
    Blake2s(Blake2s256) = "blake2s",
}

/// How the signing key is derived from the secret key and the salt (`key_derivation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyDerivation {
    /// `hmac`, Flask's default: the HMAC of the salt.
    #[default]
    Hmac,
    /// `concat`: the hash of the salt and the key.
    Concat,
    /// `django-concat`: the hash of the salt, the word `signer` and the key.
    DjangoConcat,
    /// `none`: the secret key itself.
    ///
    /// # Security
    ///
    /// The salt has no effect: any other value that is signed with the key in this format is
    /// accepted as a session.
    None,
}

impl KeyDerivation {
    /// All key derivations.
    pub const ALL: &[Self] = &[Self::Hmac, Self::Concat, Self::DjangoConcat, Self::None];

    /// Returns its name in itsdangerous.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Concat => "concat",
            Self::DjangoConcat => "django-concat",
            Self::None => "none",
        }
    }
}

fn keyed<D: Hash + BlockSizeUser>(
    key: &SecretKey,
    salt: &[u8],
    derivation: KeyDerivation,
) -> KeyedHash<D> {
    let mac = KeyedHash::<D>::new;
    let key = key.bytes();
    let hash = |parts: &[&[u8]]| {
        let hash = parts.iter().fold(D::new(), D::chain_update);
        Zeroizing::new(hash.finalize().to_vec())
    };
    match derivation {
        KeyDerivation::Hmac => {
            mac(&Zeroizing::new(mac(key).chain_update(salt).finalize().into_bytes().to_vec()))
        }
        KeyDerivation::Concat => mac(&hash(&[salt, key])),
        KeyDerivation::DjangoConcat => mac(&hash(&[salt, b"signer", key])),
        KeyDerivation::None => mac(key),
    }
}

/// Encodes a JSON text as the payload of a token: compressed after a leading dot, if that is
/// shorter.
pub(crate) fn encode_payload(json: &str) -> String {
    let compressed = compress(json.as_bytes());
    if compressed.len() + 1 < json.len() {
        let mut payload = String::with_capacity(1 + compressed.len() * 4 / 3 + 4);
        payload.push('.');
        CANONICAL.encode_string(compressed, &mut payload);
        payload
    } else {
        CANONICAL.encode(json)
    }
}

/// Decodes the payload of a token to its JSON text, of at most `limit` bytes.
pub(crate) fn decode_payload(payload: &[u8], limit: usize) -> Result<String, Rejected> {
    let bytes = match payload.split_first() {
        Some((b'.', compressed)) => {
            let mut inflated = Vec::new();
            inflate(&decode(compressed)?, limit, &mut inflated)?;
            inflated
        }
        _ => decode(payload)?,
    };
    if bytes.len() > limit {
        return Err(Rejected::Format);
    }
    String::from_utf8(bytes).map_err(|_| Rejected::Format)
}

fn decode(text: &[u8]) -> Result<Vec<u8>, Rejected> {
    base64url::decode(text).ok_or(Rejected::Format)
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    const MEMORY: &str = "writing to memory does not fail";
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len()), Compression::default());
    encoder.write_all(bytes).expect(MEMORY);
    encoder.finish().expect(MEMORY)
}

/// Inflates at most one byte more than `limit`, however long the output would be.
fn inflate(bytes: &[u8], limit: usize, inflated: &mut Vec<u8>) -> Result<(), Rejected> {
    let mut decoder = ZlibDecoder::new(bytes);
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = decoder.by_ref().take(room).read_to_end(inflated);
    let whole = usize::try_from(decoder.total_in()) == Ok(bytes.len());
    match read {
        // Flask never writes bytes after the stream.
        Ok(_) if inflated.len() <= limit && whole => Ok(()),
        _ => Err(Rejected::Format),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::{
        CANONICAL, HashAlgorithm, KeyDerivation, compress, decode_payload, encode_payload, inflate,
        signer,
    };
    use crate::{key::SecretKey, token::bit_flips::flip_each_bit};

    #[test]
    fn every_single_bit_of_twenty_tokens_of_flask_counts() {
        let (key, mut total) = (SecretKey::generate(), [0; 2]);
        for number in 0..20 {
            let digest = HashAlgorithm::ALL[number % HashAlgorithm::ALL.len()];
            let signer = signer(&key, b"cookie-session", digest, KeyDerivation::ALL[number % 4]);
            let payload = encode_payload(&format!(r#"{{"user":"{}"}}"#, "x".repeat(2 * number)));
            let token = signer.sign_text(payload.as_bytes(), 1_700_000_000 + number as u64);
            let [tried, accepted] = flip_each_bit(token, |token| {
                signer.verify(token).and_then(|it| decode_payload(it.text(), 1_000)).is_ok()
            });
            total = [total[0] + tried, total[1] + accepted];
        }
        println!("bits flipped, accepted: {total:?}");
        assert!(total[0] > 10_000 && total[1] == 0, "{total:?}");
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for json in ["{}", r#"{"a":1}"#, &format!(r#"{{"a":"{}"}}"#, "x".repeat(500))] {
            let payload = encode_payload(json);
            assert_eq!(payload.starts_with('.'), json.len() > 100);
            assert_eq!(decode_payload(payload.as_bytes(), 1_000).unwrap(), json);
        }
    }

    #[test]
    fn the_limit_is_for_the_inflated_size_to_the_byte() {
        for text in ["x".repeat(2_000), "the quick brown fox jumps over the lazy dog".to_owned()] {
            let plain = CANONICAL.encode(&text);
            let compressed = format!(".{}", CANONICAL.encode(compress(text.as_bytes())));
            for payload in [plain, compressed] {
                let decode = |limit| decode_payload(payload.as_bytes(), limit);
                assert!(decode(text.len()).is_ok());
                assert!(decode(text.len() - 1).is_err());
                assert!(decode(0).is_err());
                assert!(decode(usize::MAX).is_ok());
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_without_being_inflated() {
        let bomb = compress(&vec![b' '; 10 << 20]);
        assert!(bomb.len() < 16 << 10);
        let mut inflated = Vec::new();
        assert!(inflate(&bomb, 64 << 10, &mut inflated).is_err());
        assert_eq!(inflated.len(), (64 << 10) + 1);
        assert!(inflated.capacity() <= 256 << 10, "{}", inflated.capacity());
        inflated.clear();
        assert!(inflate(&bomb, 10 << 20, &mut inflated).is_ok());
        assert_eq!(inflated.len(), 10 << 20);
    }

    #[test]
    fn a_stream_that_is_cut_or_followed_by_something_is_refused() {
        let is_whole = |bytes: &[u8]| inflate(bytes, 1_000, &mut Vec::new()).is_ok();
        let whole = compress(&b"{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}".repeat(9));
        assert!(is_whole(&whole));
        for end in 0..whole.len() {
            assert!(!is_whole(&whole[..end]), "{end}");
        }
        for junk in [&b"\0"[..], b"x", &whole] {
            assert!(!is_whole(&[&whole, junk].concat()));
        }
    }
}
