//! HMAC over any hash function, with a key that is overwritten.

use hmac::digest::{
    Digest, FixedOutput, MacMarker, Output, OutputSizeUser, Update, block_api::BlockSizeUser,
};
use zeroize::Zeroizing;

/// HMAC (RFC 2104) as the states of two hashes that have seen the padded key.
///
/// Hashes overwrite their states when they are dropped. `SimpleHmac`, which takes any hash function as
/// well, keeps the padded key itself, and does not overwrite it.
#[derive(Clone)]
pub(super) struct KeyedHash<D> {
    inner: D,
    outer: D,
}

impl<D: Digest + BlockSizeUser> KeyedHash<D> {
    /// Takes a key of any length.
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new(vec![0; D::block_size()]);
        if key.len() > block.len() {
            let hash = Zeroizing::new(D::digest(key).to_vec());
            block[..hash.len()].copy_from_slice(&hash);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let mut padded = |pad: u8| {
            block.iter_mut().for_each(|byte| *byte ^= pad);
            D::new_with_prefix(&*block)
        };
        let inner = padded(0x36);
        // Takes the first pad away again.
        let outer = padded(0x36 ^ 0x5c);
        Self { inner, outer }
    }
}

impl<D: Digest> OutputSizeUser for KeyedHash<D> {
    type OutputSize = D::OutputSize;
}

impl<D: Digest> Update for KeyedHash<D> {
    fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }
}

impl<D: Digest> FixedOutput for KeyedHash<D> {
    fn finalize_into(self, out: &mut Output<Self>) {
        self.outer.chain_update(self.inner.finalize()).finalize_into(out);
    }
}

impl<D> MacMarker for KeyedHash<D> {}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha1::Sha1;
    use sha2::Sha512;

    use super::KeyedHash;

    #[test]
    fn it_is_hmac_for_keys_of_any_length() {
        let key: Vec<u8> = (0..300_u16).map(|at| at.to_be_bytes()[1] ^ 0x5a).collect();
        for length in [0, 1, 20, 63, 64, 65, 127, 128, 129, 300] {
            let key = &key[..length];
            let sha1 = <Hmac<Sha1> as KeyInit>::new_from_slice(key).expect("any length");
            let sha512 = <Hmac<Sha512> as KeyInit>::new_from_slice(key).expect("any length");
            for text in [&b""[..], b"a text", key] {
                let own = KeyedHash::<Sha1>::new(key).chain_update(text).finalize().into_bytes();
                assert_eq!(own, sha1.clone().chain_update(text).finalize().into_bytes());
                let own = KeyedHash::<Sha512>::new(key).chain_update(text).finalize().into_bytes();
                assert_eq!(own, sha512.clone().chain_update(text).finalize().into_bytes());
            }
        }
    }
}
