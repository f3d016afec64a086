//! What a token has to do with a record: whether it opens it, opened it, or has nothing to do with it.

use std::time::Duration;

use super::{
    Record, Timestamp,
    key::{HASH_LENGTH, Purpose},
};
use crate::codec::same_bytes;

/// How long a record knows a token that was replaced: a client that lost the answer with its new token
/// is refused for so long, and begins a new session after that.
pub(crate) const STALE: Duration = Duration::from_secs(60);
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

    /// Whether nobody has logged in between this epoch and another of the same record.
    pub(crate) fn has_login_of(self, other: Self) -> bool {
        self.login == other.login
    }

    fn was_renewed(self) -> bool {
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

/// What a token has to do with a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It opens the record, in this epoch.
    Current(Epoch),
    /// It was replaced by a rotation a moment ago, and opens the record for its time of grace.
    Grace(Epoch),
    /// It was replaced within the last minute, opens nothing, and stood for this epoch.
    Stale(Epoch),
    /// The record does not know it.
    Unknown,
}

impl Record {
    /// Whether anybody could have made the session: it has no owner, and was never renewed. A store
    /// with a bound keeps room for the others.
    pub fn is_anonymous(&self) -> bool {
        self.owner.is_none() && !self.epoch.was_renewed()
    }

    /// Returns what a token has to do with this record at this moment.
    pub(crate) fn standing(
        &self,
        verifier: &VerifierHash,
        now: Timestamp,
        grace: Duration,
    ) -> Standing {
        if self.verifier == *verifier {
            return Standing::Current(self.epoch);
        }
        let Some(former) = self.formers.iter().find(|former| former.verifier == *verifier) else {
            return Standing::Unknown;
        };
        let age = now.since(former.replaced);
        if former.epoch == self.epoch && age < grace {
            Standing::Grace(self.epoch)
        } else if age < STALE {
            Standing::Stale(former.epoch)
        } else {
            Standing::Unknown
        }
    }

    /// Replaces the token, and remembers the former ones that are not older than a minute.
    pub(crate) fn replace_verifier(
        &mut self,
        verifier: VerifierHash,
        epoch: Epoch,
        now: Timestamp,
    ) {
        let former = Former { verifier: self.verifier, epoch: self.epoch, replaced: now };
        self.formers.retain(|former| now.since(former.replaced) < STALE);
        self.formers.insert(0, former);
        self.formers.truncate(MAX_FORMER);
        self.verifier = verifier;
        self.epoch = epoch;
    }
}
