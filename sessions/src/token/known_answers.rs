//! Tests of the cryptographic primitives with the vectors of their standards, on each target.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha512};

/// Reads lines of hexadecimal columns.
fn vectors<const COLUMNS: usize>(text: &str) -> Vec<[Vec<u8>; COLUMNS]> {
    let bytes = |column: &str| {
        let digits = column.trim_matches('-').as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split(' ').map(bytes).collect::<Vec<_>>().try_into().expect("columns"))
        .collect()
}

fn mac<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

#[test]
fn hmac_is_that_of_rfc_4231() {
    let vectors = vectors(include_str!("vectors/hmac.txt"));
    assert_eq!(vectors.len(), 6);
    for [key, data, sha256, sha512] in vectors {
        assert_eq!(mac::<Hmac<Sha256>>(&key, &data), sha256);
        assert_eq!(mac::<Hmac<Sha512>>(&key, &data), sha512);
    }
}

#[test]
fn hkdf_is_that_of_rfc_5869() {
    let vectors = vectors(include_str!("vectors/hkdf.txt"));
    assert_eq!(vectors.len(), 3);
    for [key, salt, info, expected] in vectors {
        let mut okm = vec![0; expected.len()];
        Hkdf::<Sha256>::new(Some(&salt), &key).expand(&info, &mut okm).unwrap();
        assert_eq!(okm, expected);
    }
}

#[test]
fn aes_256_gcm_is_that_of_nist() {
    let vectors = vectors(include_str!("vectors/aes_256_gcm.txt"));
    assert_eq!(vectors.len(), 25);
    for [key, nonce, msg, aad, ciphertext, tag] in vectors {
        let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
        let nonce = Nonce::try_from(nonce.as_slice()).unwrap();
        let mut sealed = [ciphertext, tag].concat();
        let payload = Payload { msg: &msg, aad: &aad };
        assert_eq!(cipher.encrypt(&nonce, payload).unwrap(), sealed);
        let opened =
            |sealed: &[u8], aad: &[u8]| cipher.decrypt(&nonce, Payload { msg: sealed, aad }).ok();
        assert_eq!(opened(&sealed, &aad), Some(msg));
        assert_eq!(opened(&sealed, &[&*aad, b"x"].concat()), None);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                sealed[at] ^= 1 << bit;
                assert_eq!(opened(&sealed, &aad), None, "bit {bit} of byte {at}");
                sealed[at] ^= 1 << bit;
            }
        }
    }
}
