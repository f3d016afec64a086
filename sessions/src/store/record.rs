//! The record of a session in a store.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::Engine;
use sha2::{Digest, Sha256};

use super::{OwnerKey, StoreError, Timestamp, key::decode_hash};
use crate::codec::{CANONICAL, same_bytes};

/// The version of the format: the first word of a record.
const VERSION: &str = "1";
/// The word for a part that a record does not have.
const NONE: &str = "-";

/// A session as a store keeps it: its content, which token opens it, whose it is and when it began.
///
/// A store keeps it as a value, or as bytes. Clones share the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    pub(crate) payload: Arc<str>,
    pub(crate) verifier: VerifierHash,
    /// The verifier from before the last renewal, where it may still read.
    pub(crate) previous: Option<Previous>,
    /// In seconds since 1970: the limit of `absolute_timeout` counts from here.
    pub(crate) created_secs: u64,
    /// In milliseconds since 1970: tells which of two sessions is newer.
    pub(crate) renewed_millis: u64,
    /// The time that it was written to live after a use.
    pub(crate) ttl_secs: u64,
    pub(crate) owner: Option<Owner>,
}

/// Whose session it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) key: OwnerKey,
    /// When the request of the login began.
    pub(crate) since: Timestamp,
}

/// A verifier that a renewal replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) verifier: VerifierHash,
    /// When it stops reading, in milliseconds since 1970.
    pub(crate) until_millis: u64,
}

/// The SHA-256 of the second half of a token. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub(crate) struct VerifierHash([u8; 32]);

impl VerifierHash {
    pub(crate) fn of(verifier: &[u8]) -> Self {
        Self(Sha256::digest(verifier).into())
    }
}

impl PartialEq for VerifierHash {
    fn eq(&self, other: &Self) -> bool {
        same_bytes(&self.0, &other.0)
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

    /// Returns the bytes to keep: a head in ASCII, a line break, and the content as JSON in UTF-8.
    pub fn to_bytes(&self) -> Vec<u8> {
        let hash = |hash: &VerifierHash| CANONICAL.encode(hash.0);
        let none = || (NONE.to_owned(), NONE.to_owned());
        let owner = |Owner { key, since }: Owner| (key.to_string(), since.get().to_string());
        let previous =
            |previous: &Previous| (hash(&previous.verifier), previous.until_millis.to_string());
        let (owner, since) = self.owner.map_or_else(none, owner);
        let (previous, until) = self.previous.as_ref().map_or_else(none, previous);
        let verifier = hash(&self.verifier);
        let [created, renewed, ttl] = [self.created_secs, self.renewed_millis, self.ttl_secs]
            .map(|number| number.to_string());
        // `join`, since `format!` takes three times as long.
        let head =
            [VERSION, &verifier, &created, &renewed, &ttl, &owner, &since, &previous, &until]
                .join(" ");
        [&*head, &*self.payload].join("\n").into_bytes()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let corrupt = |problem| StoreError::Corrupt { problem };
        let text = std::str::from_utf8(bytes).map_err(|_| corrupt("it is not UTF-8"))?;
        let (head, payload) =
            text.split_once('\n').ok_or(corrupt("it has no line break after its head"))?;
        let mut words = head.split(' ');
        if words.next() != Some(VERSION) {
            return Err(corrupt("it has another version of the format"));
        }
        let record = parse(&mut words, payload).ok_or(corrupt("its head is invalid"))?;
        if words.next().is_some() {
            return Err(corrupt("its head is too long"));
        }
        Ok(record)
    }
}

fn parse<'t>(words: &mut impl Iterator<Item = &'t str>, payload: &str) -> Option<Record> {
    let hash = |word: &str| decode_hash(word.as_bytes());
    let verifier = VerifierHash(hash(words.next()?)?);
    let created_secs = words.next()?.parse().ok()?;
    let renewed_millis = words.next()?.parse().ok()?;
    let ttl_secs = words.next()?.parse().ok()?;
    let owner = match (words.next()?, words.next()?) {
        (NONE, NONE) => None,
        (key, since) => {
            let key = OwnerKey::parse(key)?;
            Some(Owner { key, since: Timestamp::new(since.parse().ok()?) })
        }
    };
    let previous = match (words.next()?, words.next()?) {
        (NONE, NONE) => None,
        (verifier, until) => {
            let verifier = VerifierHash(hash(verifier)?);
            Some(Previous { verifier, until_millis: until.parse().ok()? })
        }
    };
    Some(Record {
        payload: payload.into(),
        verifier,
        previous,
        created_secs,
        renewed_millis,
        ttl_secs,
        owner,
    })
}

impl fmt::Debug for Record {
    /// Shows the length of the content, nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("payload_len", &self.payload_len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Owner, Previous, Record, VerifierHash};
    use crate::store::{OwnerKey, StoreError, Timestamp};

    fn records() -> Vec<Record> {
        let plain = Record {
            payload: Arc::from("{\"a\":\"line\\nbreak é\"}"),
            verifier: VerifierHash::of(b"one"),
            previous: None,
            created_secs: 0,
            renewed_millis: u64::MAX,
            ttl_secs: 60,
            owner: None,
        };
        let owner = Owner { key: OwnerKey::of_id("alice"), since: Timestamp::new(7) };
        let previous = Previous { verifier: VerifierHash::of(b"two"), until_millis: 9 };
        let full = Record { owner: Some(owner), previous: Some(previous), ..plain.clone() };
        vec![plain, full]
    }

    #[test]
    fn bytes_are_read_as_the_record_they_were_written_from() {
        for record in records() {
            let read = Record::from_bytes(&record.to_bytes()).unwrap();
            assert!(read == record);
        }
    }

    #[test]
    fn a_cut_or_changed_head_is_corrupt() {
        for record in records() {
            let bytes = record.to_bytes();
            let head = bytes.iter().position(|byte| *byte == b'\n').unwrap();
            for end in 0..=head {
                assert!(matches!(
                    Record::from_bytes(&bytes[..end]),
                    Err(StoreError::Corrupt { .. })
                ));
            }
            let newer = [b"2".as_slice(), &bytes[1..]].concat();
            let longer = [&bytes[..head], b" x", &bytes[head..]].concat();
            for wrong in [newer, longer, vec![0xff; 300]] {
                assert!(matches!(Record::from_bytes(&wrong), Err(StoreError::Corrupt { .. })));
            }
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_content() {
        for record in records() {
            assert_eq!(format!("{record:?}"), "Record { payload_len: 22, .. }");
        }
    }
}
