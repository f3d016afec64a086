//! Keys and records for tests.

use crate::store::{Owner, OwnerKey, Purpose, Record, RecordKey, Timestamp, VerifierHash};

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
    owner_key_in("", id)
}

/// Returns the key of the owner with this id where the backend has this
/// [namespace](crate::ServerSide::with_owner_namespace).
pub fn owner_key_in(namespace: &str, id: &str) -> OwnerKey {
    OwnerKey::of_id(namespace, id)
}

/// Returns the record of a session with this content as JSON, written to live for an hour.
pub fn record(json: &str) -> Record {
    Record::sample(json)
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
    let indexed_until = Timestamp::new(1_767_232_800_123_457);
    Record { owner: Some(Owner { key: owner, since, indexed_until }), ..record(json) }
}

/// Returns a record with every optional part.
pub(super) fn full_record(json: &str) -> Record {
    let owner = OwnerKey::from_bytes(random_bytes());
    let mut record = record_of(owner, json);
    for millis in [1, 2, 3, 4] {
        let verifier = VerifierHash::of(Purpose::Cookie("test"), &random_bytes());
        let replaced = Timestamp::new(1_767_225_600_123_000 + millis);
        record.replace_verifier(verifier, record.epoch.renewed(&verifier), replaced);
    }
    record
}

pub(super) fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}
