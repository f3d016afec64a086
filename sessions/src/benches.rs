//! The signature of signed cookies without the rest, for the benches.

use crate::{
    key::SecretKey,
    token::signed::{HashAlgorithm, Signer},
};

/// Signs and verifies as signed cookies do.
#[derive(Debug)]
pub struct Signing(Signer);

impl Signing {
    /// Derives the signing key from `key`.
    pub fn new(key: &SecretKey) -> Self {
        Self(Signer::new(key, b"sessions.signed-cookie.session", HashAlgorithm::Sha256))
    }

    /// Returns the token for `payload`, signed at `now` in seconds since 1970.
    pub fn sign(&self, payload: &[u8], now: u64) -> String {
        self.0.sign(payload, now)
    }

    /// Returns a token's payload, or `None` when its signature does not verify.
    pub fn verify(&self, token: &[u8]) -> Option<Vec<u8>> {
        self.0.verify(token).and_then(|verified| verified.decode()).ok()
    }
}
