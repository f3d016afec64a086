//! What a token has to do with a record: whether it opens it, opened it, or is unknown.

use std::time::Duration;

use super::{
    Record, Timestamp,
    rights::{Epoch, Former, MAX_FORMER, VerifierHash},
};

/// How long a record knows a token that was replaced: a client that lost the answer with its new token
/// is refused for so long, and begins a new session after that.
const STALE: Duration = Duration::from_secs(60);
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
    /// Whether any client could have made the session: it has no owner, and was never renewed. A store
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
