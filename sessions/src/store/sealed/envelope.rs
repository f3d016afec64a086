//! The format of sealed content: version, salt, ciphertext and tag, as base64url.
//!
//! Associated data are the version, the key of the record, and all of the record but its content: its
//! owner, times, and the hashes of its tokens.

use base64::Engine;

use crate::{
    codec::CANONICAL,
    store::{Record, RecordKey},
    token::{
        aead::{Aead, SALT, TAG},
        signed::Rejected,
    },
};

/// Separates these keys from others that are derived from the ring's keys.
pub(super) const MODE: &str = "sessions.sealed-record";
const VERSION: u8 = 1;
/// The version and the salt.
const HEAD: usize = 1 + SALT;

/// Returns the content of a record, sealed.
pub(super) fn seal(
    aead: &Aead,
    key: &RecordKey,
    record: &Record,
) -> Result<String, getrandom::Error> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt)?;
    let mut sealed = Vec::with_capacity(HEAD + record.payload.len() + TAG);
    sealed.push(VERSION);
    sealed.extend(salt);
    sealed.extend(record.payload.as_bytes());
    let tag = aead.seal(&salt, &associated(key, record), &mut sealed[HEAD..]);
    sealed.extend(tag);
    Ok(CANONICAL.encode(sealed))
}

/// Returns the content of a record that is sealed. All failures are the same error.
pub(super) fn open(aead: &Aead, key: &RecordKey, record: &Record) -> Result<String, Rejected> {
    try_open(aead, key, record).ok_or(Rejected::Seal)
}

fn try_open(aead: &Aead, key: &RecordKey, record: &Record) -> Option<String> {
    let sealed = CANONICAL.decode(&*record.payload).ok()?;
    let (head, sealed) = sealed.split_first_chunk::<HEAD>()?;
    let [VERSION, salt @ ..] = head else { return None };
    String::from_utf8(aead.open(salt, &associated(key, record), sealed)?).ok()
}

fn associated(key: &RecordKey, record: &Record) -> Vec<u8> {
    [&[VERSION], &key.as_bytes()[..], record.head().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::{HEAD, MODE, open, seal};
    use crate::{
        codec::CANONICAL,
        key::SecretKey,
        store::{
            OwnLifetimes, Owner, OwnerKey, Purpose, Record, RecordKey, Timestamp,
            rights::{Epoch, VerifierHash},
        },
        token::{aead::Aead, signed::Rejected},
    };

    fn sealed(key: &RecordKey, record: &Record, aead: &Aead) -> Record {
        Record { payload: seal(aead, key, record).unwrap().into(), ..record.clone() }
    }

    fn aead() -> Aead {
        Aead::new(&SecretKey::generate(), MODE.as_bytes())
    }

    /// Each change of one part.
    fn changed(record: &Record) -> Vec<Record> {
        let verifier = VerifierHash::of(Purpose::Cookie("other"), &[1]);
        let mut rotated = record.clone();
        rotated.replace_verifier(record.verifier, record.epoch, Timestamp::new(1));
        let owner = record.owner.unwrap();
        let owners = [
            None,
            Some(Owner { key: OwnerKey::of_id("", "mallory"), ..owner }),
            Some(Owner { since: owner.since.next(), ..owner }),
            Some(Owner { indexed_until: owner.indexed_until.next(), ..owner }),
        ];
        let mut all = vec![
            rotated,
            Record { verifier, ..record.clone() },
            Record { epoch: Epoch::of_new(&verifier), ..record.clone() },
            Record { created_secs: record.created_secs + 1, ..record.clone() },
            Record { renewed_millis: record.renewed_millis + 1, ..record.clone() },
            Record { ttl_secs: record.ttl_secs + 1, ..record.clone() },
            Record { lifetimes: OwnLifetimes::of(true), ..record.clone() },
        ];
        all.extend(owners.map(|owner| Record { owner, ..record.clone() }));
        all
    }

    #[test]
    fn opens_under_its_key_and_with_its_head_only() {
        let (aead, key) = (aead(), RecordKey::from_bytes([1; 32]));
        let owner = Owner {
            key: OwnerKey::of_id("", "alice"),
            since: Timestamp::new(7),
            indexed_until: Timestamp::new(9),
        };
        for content in ["{}", r#"{"a":"é"}"#, "\"ended\""] {
            let plain = Record { owner: Some(owner), ..Record::sample(content) };
            assert!(!plain.is_sealed());
            let sealed = sealed(&key, &plain, &aead);
            assert!(sealed.is_sealed());
            assert_eq!(open(&aead, &key, &sealed), Ok(content.to_owned()));
            let other = RecordKey::from_bytes([2; 32]);
            assert_eq!(open(&aead, &other, &sealed), Err(Rejected::Seal));
            assert_eq!(open(&self::aead(), &key, &sealed), Err(Rejected::Seal));
            for changed in changed(&sealed) {
                assert_eq!(open(&aead, &key, &changed), Err(Rejected::Seal));
            }
        }
    }

    #[test]
    fn any_other_content_is_the_same_error() {
        let (aead, key) = (aead(), RecordKey::from_bytes([1; 32]));
        let sealed = sealed(&key, &Record::sample(r#"{"a":1}"#), &aead);
        let bytes = CANONICAL.decode(&*sealed.payload).unwrap();
        let mut wrong: Vec<String> = vec![String::new(), "A".into(), "{}".into(), "A=".into()];
        wrong.extend((0..bytes.len()).map(|cut| CANONICAL.encode(&bytes[..cut])));
        for at in [0, 1, HEAD - 1, HEAD, bytes.len() - 1] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            wrong.push(CANONICAL.encode(other));
        }
        for payload in wrong {
            let record = Record { payload: payload.into(), ..sealed.clone() };
            assert_eq!(open(&aead, &key, &record), Err(Rejected::Seal));
        }
    }

    #[test]
    fn content_of_n_bytes_takes_a_third_more_and_66() {
        let (aead, key) = (aead(), RecordKey::from_bytes([1; 32]));
        for length in (2..200).chain([65_535, 65_536]) {
            let sealed = sealed(&key, &Record::sample(&"x".repeat(length)), &aead);
            assert_eq!(sealed.payload_len(), (4 * (length + 49)).div_ceil(3));
            assert!(sealed.payload_len() <= length + length.div_ceil(3) + 66);
        }
    }

    #[test]
    fn no_content_is_sealed_in_the_same_way_twice() {
        let (aead, key, record) = (aead(), RecordKey::from_bytes([1; 32]), Record::sample("{}"));
        let one = seal(&aead, &key, &record).unwrap();
        let other = seal(&aead, &key, &record).unwrap();
        assert_ne!(one[2..40], other[2..40]);
        assert_ne!(one[44..], other[44..]);
    }
}
