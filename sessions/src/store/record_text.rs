//! The text of a record, as stores keep it: a head in ASCII, a line break, and the content.

use std::{
    cmp::Ordering,
    fmt::{self, Write},
};

use memchr::memchr;

use super::{
    OwnerKey, Record, StoreError, Timestamp,
    key::{HASH_LENGTH, HASH_TEXT, decode_hash, encode_hash},
    lifetimes::OwnLifetimes,
    record::Owner,
    rights::{Epoch, Former, MAX_FORMER, VerifierHash},
};
use crate::codec::base64url::{decode_16, encode_short};

/// The format of the records that this version writes, and as their first word. Every later format begins
/// with its number and a space too.
const FORMAT: (u32, &str) = (2, "2");
/// Capacity for the head of most records.
const USUAL_HEAD: usize = 128;
/// The length of an epoch as a word.
const EPOCH_TEXT: usize = 22;
/// The word for a part that a record does not have.
const NONE: &str = "-";

/// # Text
impl Record {
    /// Returns the bytes to keep: a head in ASCII, a line break, and the content as JSON in UTF-8.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(USUAL_HEAD + "\n".len() + self.payload.len());
        self.push_head(&mut text);
        text.push('\n');
        text.push_str(&self.payload);
        text.into_bytes()
    }

    /// Returns all but the content, as text.
    pub(super) fn head(&self) -> String {
        let mut head = String::with_capacity(USUAL_HEAD);
        self.push_head(&mut head);
        head
    }

    fn push_head(&self, text: &mut String) {
        text.push_str(FORMAT.1);
        push_hash(text, &self.verifier.0);
        push_epoch(text, self.epoch);
        for number in [self.created_secs, self.renewed_millis, self.ttl_secs] {
            push_display(text, number);
        }
        push_display(text, self.lifetimes);
        match self.owner {
            None => [NONE; 3].into_iter().for_each(|none| push_word(text, none)),
            Some(Owner { key, since, indexed_until }) => {
                push_hash(text, key.as_bytes());
                push_display(text, since.get());
                push_display(text, indexed_until.get());
            }
        }
        for Former { verifier, epoch, replaced } in &self.formers {
            push_hash(text, &verifier.0);
            push_epoch(text, *epoch);
            push_display(text, replaced.get());
        }
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerFormat`] for what a newer version of this library wrote, and
    /// [`StoreError::Corrupt`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let corrupt = |problem| StoreError::Corrupt { problem };
        let format = bytes.split(|byte| *byte == b' ').next().and_then(parse_format);
        match format.map(|format| (format, format.cmp(&FORMAT.0))) {
            Some((_, Ordering::Equal)) => {}
            Some((format, Ordering::Greater)) => return Err(StoreError::NewerFormat { format }),
            Some((_, Ordering::Less)) | None => {
                return Err(corrupt("it does not begin with a format that this version knows"));
            }
        }
        let line_break =
            memchr(b'\n', bytes).ok_or(corrupt("it has no line break after its head"))?;
        let (head, payload) = (&bytes[..line_break], &bytes[line_break + 1..]);
        let payload = str::from_utf8(payload).map_err(|_| corrupt("its content is not UTF-8"))?;
        let mut words = head.split(|byte| *byte == b' ').skip(1);
        let record = parse(&mut words, payload).ok_or(corrupt("its head is invalid"))?;
        if words.next().is_some() {
            return Err(corrupt("its head is too long"));
        }
        Ok(record)
    }
}

fn parse<'t>(words: &mut impl Iterator<Item = &'t [u8]>, payload: &str) -> Option<Record> {
    let verifier = parse_verifier(words.next()?)?;
    let epoch = parse_epoch(words.next()?)?;
    let created_secs = parse_number(words.next()?)?;
    let renewed_millis = parse_number(words.next()?)?;
    let ttl_secs = parse_number(words.next()?)?;
    let lifetimes = OwnLifetimes::parse(str::from_utf8(words.next()?).ok()?)?;
    let owner = match [words.next()?, words.next()?, words.next()?] {
        words if words == [NONE.as_bytes(); 3] => None,
        [key, since, indexed] => Some(Owner {
            key: OwnerKey::parse(key)?,
            since: parse_time(since)?,
            indexed_until: parse_time(indexed)?,
        }),
    };
    let mut formers = Vec::new();
    for _ in 0..MAX_FORMER {
        let Some(verifier) = words.next() else { break };
        formers.push(Former {
            verifier: parse_verifier(verifier)?,
            epoch: parse_epoch(words.next()?)?,
            replaced: parse_time(words.next()?)?,
        });
    }
    Some(Record {
        payload: payload.into(),
        verifier,
        epoch,
        formers,
        created_secs,
        renewed_millis,
        ttl_secs,
        lifetimes,
        owner,
    })
}

/// Appends a space and a word.
fn push_word(text: &mut String, word: &str) {
    text.push(' ');
    text.push_str(word);
}

fn push_display(text: &mut String, word: impl fmt::Display) {
    write!(text, " {word}").expect("a string takes text");
}

fn push_hash(text: &mut String, hash: &[u8; HASH_LENGTH]) {
    push_word(text, encode_hash(hash, &mut [0; HASH_TEXT]));
}

fn push_epoch(text: &mut String, epoch: Epoch) {
    let mut buffer = [0; EPOCH_TEXT];
    let word = encode_short([epoch.login, epoch.rights].as_flattened(), &mut buffer);
    push_word(text, str::from_utf8(word).expect("base64url is ASCII"));
}

/// Reads the first word of a record, of this version or a newer one: a number without leading zeros.
fn parse_format(word: &[u8]) -> Option<u32> {
    let number = parse_number(word).filter(|_| word.first() != Some(&b'0'));
    number.and_then(|number| number.try_into().ok())
}

/// Reads an unsigned decimal number: digits only.
fn parse_number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn parse_verifier(word: &[u8]) -> Option<VerifierHash> {
    decode_hash(word).map(VerifierHash)
}

fn parse_epoch(word: &[u8]) -> Option<Epoch> {
    let halves = decode_16(word)?;
    let (login, rights) = halves.split_first_chunk()?;
    Some(Epoch { login: *login, rights: rights.try_into().ok()? })
}

fn parse_time(word: &[u8]) -> Option<Timestamp> {
    parse_number(word).map(Timestamp::new)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        Epoch, FORMAT, Former, OwnLifetimes, Owner, OwnerKey, Record, StoreError, Timestamp,
        VerifierHash,
    };
    use crate::store::{Lifetimes, Purpose};

    fn records() -> Vec<Record> {
        let plain = Record {
            created_secs: 0,
            renewed_millis: u64::MAX,
            ..Record::sample("{\"a\":\"line\\nbreak é\"}")
        };
        let owner = Owner {
            key: OwnerKey::of_id("", "alice"),
            since: Timestamp::new(7),
            indexed_until: Timestamp::new(u64::MAX),
        };
        let timeouts = Lifetimes::new().idle_timeout(Duration::from_secs(300));
        let lifetimes = OwnLifetimes::of(true).with(timeouts);
        let mut full = Record { owner: Some(owner), lifetimes, ..plain.clone() };
        for (number, time) in [(2, 20), (3, 21), (4, 22), (5, 23), (6, 24)] {
            let verifier = VerifierHash::of(Purpose::Cookie("test"), &[number]);
            full.replace_verifier(verifier, full.epoch.renewed(&verifier), Timestamp::new(time));
        }
        assert_eq!(full.formers.len(), 4);
        vec![plain, full]
    }

    #[test]
    fn bytes_are_read_as_the_record_they_were_written_from() {
        for record in records() {
            let read = Record::from_bytes(&record.to_bytes()).unwrap();
            assert!(read == record);
        }
    }

    /// What a version wrote, the next one must read. The base64url is from another implementation.
    #[test]
    fn the_text_of_a_record_stays_as_it_is() {
        let (login, rights) = ([1, 2, 3, 4, 5, 6, 7, 8], [11, 12, 13, 14, 15, 16, 17, 18]);
        let plain = Record {
            payload: "{\"visits\":1}".into(),
            verifier: VerifierHash([7; 32]),
            epoch: Epoch { login, rights },
            formers: Vec::new(),
            created_secs: 1_767_225_600,
            renewed_millis: 1_767_225_600_123,
            ttl_secs: 3_600,
            lifetimes: OwnLifetimes::default(),
            owner: None,
        };
        let owner = Owner {
            key: OwnerKey::from_bytes([9; 32]),
            since: Timestamp::new(1_767_225_601_000_000),
            indexed_until: Timestamp::new(1_767_229_200_000_000),
        };
        let former = Former {
            verifier: VerifierHash([5; 32]),
            epoch: Epoch { login: [2; 8], rights: [3; 8] },
            replaced: Timestamp::new(1_767_225_602_000_000),
        };
        let timeouts = Lifetimes::new()
            .idle_timeout(Duration::from_secs(300))
            .absolute_timeout(Duration::from_secs(600));
        let full = Record {
            owner: Some(owner),
            formers: vec![former],
            lifetimes: OwnLifetimes::of(true).with(timeouts),
            ..plain.clone()
        };
        let start = "2 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc AQIDBAUGBwgLDA0ODxAREg 1767225600 \
                     1767225600123 3600";
        let owned = "ri300a600 CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk 1767225601000000 \
                     1767229200000000";
        let former = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU AgICAgICAgIDAwMDAwMDAw \
                      1767225602000000";
        for (record, text) in [
            (plain, format!("{start} - - - -\n{{\"visits\":1}}")),
            (full, format!("{start} {owned} {former}\n{{\"visits\":1}}")),
        ] {
            assert_eq!(String::from_utf8(record.to_bytes()).unwrap(), text);
            assert!(Record::from_bytes(text.as_bytes()).unwrap() == record);
        }
    }

    #[test]
    fn a_number_is_digits_and_fits() {
        let text = String::from_utf8(records()[1].to_bytes()).unwrap();
        let (head, content) = text.split_once('\n').unwrap();
        let words: Vec<_> = head.split(' ').collect();
        let numbers = (0..words.len()).filter(|at| words[*at].parse::<u64>().is_ok());
        let numbers: Vec<_> = numbers.collect();
        assert_eq!(numbers.len(), 1 + 3 + 2 + 4);
        for at in numbers {
            for wrong in [
                "",
                "+1",
                "-1",
                " 1",
                "1x",
                "1.0",
                "é",
                "18446744073709551616",
                "18446744073709551618",
            ] {
                let mut words = words.clone();
                words[at] = wrong;
                let text = format!("{}\n{content}", words.join(" "));
                let read = Record::from_bytes(text.as_bytes());
                assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{at}: {wrong:?}");
            }
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
            let with_format = |format: &[u8]| [format, &bytes[1..]].concat();
            let longer = [&bytes[..head], b" x", &bytes[head..]].concat();
            let formats: [&[u8]; 9] =
                [b"0", b"1", b"02", b"03", b"+3", b"-3", b"", b"3\n", b"4294967296"];
            let unknown = formats.map(with_format);
            for wrong in unknown.into_iter().chain([longer, vec![0xff; 300]]) {
                assert!(matches!(Record::from_bytes(&wrong), Err(StoreError::Corrupt { .. })));
            }
        }
    }

    #[test]
    fn a_record_of_a_newer_version_is_an_error_of_its_own_whatever_follows_its_format() {
        assert_eq!(FORMAT.0.to_string(), FORMAT.1);
        let mut samples: Vec<_> = records().iter().map(Record::to_bytes).collect();
        samples.extend([b"2 \xff\xfe".to_vec(), b"2 {}".to_vec(), b"2 ".to_vec()]);
        for sample in samples {
            for format in [3, 10, u32::MAX] {
                let newer = [format.to_string().as_bytes(), &sample[1..]].concat();
                let err = Record::from_bytes(&newer).unwrap_err();
                assert!(
                    matches!(err, StoreError::NewerFormat { format: read } if read == format),
                    "{err:?}"
                );
            }
        }
    }
}
