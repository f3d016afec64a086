//! Keys and records for tests.

use std::sync::Arc;

use crate::store::{Owner, OwnerKey, Previous, Record, RecordKey, Timestamp, VerifierHash};

/// Returns a random key, which no store has.
///
/// # Panics
///
/// When the operating system has no randomness.
pub fn random_key() -> RecordKey {
    RecordKey::from_bytes(random_bytes())
}

/// Returns the key of the owner with this id, as [`Session::set_owner`](crate::Session::set_owner)
/// makes it.
pub fn owner_key(id: &str) -> OwnerKey {
    OwnerKey::of_id(id)
}

/// Returns the record of a session with this content as JSON, written to live for an hour.
pub fn record(json: &str) -> Record {
    Record {
        payload: Arc::from(json),
        verifier: VerifierHash::of(&random_bytes()),
        previous: None,
        created_secs: 1_767_225_600,
        renewed_millis: 1_767_225_600_123,
        ttl_secs: 3_600,
        owner: None,
    }
}

/// Returns the record of an owner's session.
///
/// # Examples
///
/// ```
/// use sessions::test::store::{owner_key, record_of};
///
/// let record = record_of(owner_key("alice"), r#"{"_owner":"alice"}"#);
/// assert_eq!(record.owner(), Some(owner_key("alice")));
/// ```
pub fn record_of(owner: OwnerKey, json: &str) -> Record {
    let since = Timestamp::new(1_767_225_600_123_457);
    Record { owner: Some(Owner { key: owner, since }), ..record(json) }
}

/// Returns a record with every optional part.
pub(super) fn full_record(json: &str) -> Record {
    let owner = OwnerKey::from_bytes(random_bytes());
    let previous =
        Previous { verifier: VerifierHash::of(&random_bytes()), until_millis: 1_767_225_660_123 };
    Record { previous: Some(previous), ..record_of(owner, json) }
}

pub(super) fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}
