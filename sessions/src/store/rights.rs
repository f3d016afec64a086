//! Tokens and rights, as a record holds them: hashes of verifiers, and epochs.

use super::{
    Timestamp,
    key::{HASH_LENGTH, Purpose},
};
use crate::codec::same_bytes;

/// How many former tokens a record knows.
pub(super) const MAX_FORMER: usize = 4;

const EPOCH_PART: usize = 8;

/// The hash of the second half of a token, bound to its purpose. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub(crate) struct VerifierHash(pub(super) [u8; HASH_LENGTH]);

impl VerifierHash {
    pub(crate) fn of(purpose: Purpose<'_>, verifier: &[u8]) -> Self {
        Self(purpose.hash("verifier", verifier))
    }
}

impl PartialEq for VerifierHash {
    fn eq(&self, other: &Self) -> bool {
        same_bytes(&self.0, &other.0)
    }
}

/// A state of rights: what a request may write depends on whether the record still has the epoch that
/// the request opened.
///
/// Each part is a piece of the hash of the verifier that was new when the state began, so that it is
/// random, and differs from those before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    /// New with the record and with each login.
    pub(super) login: [u8; EPOCH_PART],
    /// New as well with each `renew`.
    pub(super) rights: [u8; EPOCH_PART],
}

impl Epoch {
    /// Returns the epoch of a new record.
    pub(crate) fn of_new(verifier: &VerifierHash) -> Self {
        let login = part(verifier, 0);
        Self { login, rights: login }
    }

    /// Returns the epoch of a new record whose request renewed the session.
    pub(crate) fn of_new_renewed(verifier: &VerifierHash) -> Self {
        Self::of_new(verifier).renewed(verifier)
    }

    /// Returns the epoch after a renewal.
    pub(crate) fn renewed(self, verifier: &VerifierHash) -> Self {
        Self { rights: part(verifier, EPOCH_PART), ..self }
    }

    /// Whether no client has logged in between this epoch and another of the same record.
    pub(crate) fn has_login_of(self, other: Self) -> bool {
        self.login == other.login
    }

    pub(super) fn was_renewed(self) -> bool {
        self.login != self.rights
    }
}

fn part(verifier: &VerifierHash, at: usize) -> [u8; EPOCH_PART] {
    std::array::from_fn(|byte| verifier.0[at + byte])
}

/// A token that was replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) verifier: VerifierHash,
    pub(crate) epoch: Epoch,
    /// When it was replaced, by the store's clock.
    pub(crate) replaced: Timestamp,
}
