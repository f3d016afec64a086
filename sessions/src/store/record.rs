//! The record of a session in a store.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    OwnerKey, Timestamp,
    lifetimes::OwnLifetimes,
    rights::{Epoch, Former, VerifierHash},
};

/// How sealed content begins, the base64url of its version. No JSON does.
const SEALED: u8 = b'A';

/// A session as a store keeps it: its content, which token opens it, whose it is and when it began.
///
/// A store keeps it as a value, or as bytes. Clones share the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    pub(crate) payload: Arc<str>,
    pub(crate) verifier: VerifierHash,
    pub(crate) epoch: Epoch,
    /// The tokens from before, the last one first.
    pub(crate) formers: Vec<Former>,
    /// In seconds since 1970: the limit of `absolute_timeout` counts from here.
    pub(crate) created_secs: u64,
    /// In milliseconds since 1970: tells which of two sessions is newer.
    pub(crate) renewed_millis: u64,
    /// The time that it was written to live after a use.
    pub(crate) ttl_secs: u64,
    /// What its content says of its lifetimes.
    pub(crate) lifetimes: OwnLifetimes,
    pub(crate) owner: Option<Owner>,
}

/// Whose session it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) key: OwnerKey,
    /// When the request of the login began, by the store's clock.
    pub(crate) since: Timestamp,
    /// Until when the owner's index holds the record at least.
    pub(crate) indexed_until: Timestamp,
}

impl Owner {
    /// Whether the session counts among its owner's. The record of one that is being taken over does not,
    /// since other requests may have made records of the same session: its `indexed_until` is 0.
    pub(crate) fn counts(&self) -> bool {
        self.indexed_until > Timestamp::default()
    }
}

impl Record {
    /// Returns the owner of the session, for stores that find records by owner.
    pub fn owner(&self) -> Option<OwnerKey> {
        self.owner.map(|owner| owner.key)
    }

    /// Returns when the session began.
    pub fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.created_secs)
    }

    /// Returns the length of the session's content in bytes of JSON.
    pub fn payload_len(&self) -> usize {
        self.payload.len()
    }

    /// Whether the content is sealed, by a [`SealedStore`](super::SealedStore): content that is not is
    /// JSON.
    pub fn is_sealed(&self) -> bool {
        self.payload.as_bytes().first() == Some(&SEALED)
    }
}

#[cfg(any(test, feature = "test"))]
impl Record {
    /// Returns the record of a session with this content, written to live for an hour.
    pub(crate) fn sample(json: &str) -> Self {
        let mut random = [0; 32];
        getrandom::fill(&mut random).expect("the operating system has randomness");
        let verifier = VerifierHash(random);
        Self {
            payload: Arc::from(json),
            verifier,
            epoch: Epoch::of_new(&verifier),
            formers: Vec::new(),
            created_secs: 1_767_225_600,
            renewed_millis: 1_767_225_600_123,
            ttl_secs: 3_600,
            lifetimes: OwnLifetimes::default(),
            owner: None,
        }
    }
}

impl fmt::Debug for Record {
    /// Shows the length of the content, nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("payload_len", &self.payload_len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn debug_shows_nothing_of_the_content() {
        let record = Record::sample("{\"pin\":1234}");
        assert_eq!(format!("{record:?}"), "Record { payload_len: 12, .. }");
    }
}
