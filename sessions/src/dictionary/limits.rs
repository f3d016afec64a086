//! How large a session may be, and how much a request may write.

use super::Dictionary;
use crate::error::{SessionError, SessionLimit};

/// What a write costs besides its key and its value, in bytes.
const WRITE: usize = 48;
/// What a member has besides its key and its value, and the object besides its members.
const MEMBER: usize = "{\"\":,}".len();
/// What an opened member costs a `clear`, which visits them all.
const VISIT: usize = 4;
/// What stands for the key in the error of a `clear`.
const ALL_KEYS: &str = "(all)";
/// How much a request may write at least.
const MIN_WRITES: usize = 512 * 1024;
/// How often a request may write as much as the session may hold.
const REWRITES: usize = 8;
/// How much more the value of an update costs, which is read as well.
const UPDATE: usize = 3;

/// The limits of a session, for the writes of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many bytes of JSON the session may have when it is saved.
    bytes: usize,
    /// What the bytes are limited by.
    source: SessionLimit,
    keys: usize,
    /// How many bytes the request may write in all.
    writes: usize,
}

impl Default for Limits {
    /// No limits.
    fn default() -> Self {
        let source = SessionLimit::Payload { bytes: usize::MAX };
        Self { bytes: usize::MAX, source, keys: usize::MAX, writes: usize::MAX }
    }
}

impl Limits {
    /// Of a session that may have this much JSON, because of `source`.
    pub(crate) fn new(bytes: usize, source: SessionLimit, keys: usize) -> Self {
        let writes = bytes.saturating_mul(REWRITES).max(MIN_WRITES);
        Self { bytes, source, keys, writes }
    }

    /// Returns how many bytes of JSON one value may have at most.
    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }

    /// Returns the error of a value that is longer than the session may be.
    pub(crate) fn exceeded(self, key: &str) -> SessionError {
        too_large(key, self.source)
    }
}

/// How large the session is.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    /// The bytes of all members, each with its colon and a comma.
    pub(super) bytes: usize,
    pub(super) members: usize,
}

impl Size {
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.members += 1;
    }

    pub(super) fn subtract(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.members -= 1;
    }

    /// Returns the length of the JSON object.
    pub(super) fn json_len(self) -> usize {
        // The last member has no comma.
        "{}".len() + self.bytes - usize::from(self.members > 0)
    }
}

/// Returns the bytes of a member: its key in quotes, the colon, the value and a comma.
pub(super) fn member_len(quoted_key: usize, value: usize) -> usize {
    quoted_key + ":".len() + value + ",".len()
}

/// Returns the length of a key as JSON.
pub(super) fn quoted_len(key: &str) -> usize {
    let escape = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..b' ' => "u0000".len(),
        _ => 0,
    };
    "\"\"".len() + key.len() + key.bytes().map(escape).sum::<usize>()
}

/// # Limits
impl Dictionary {
    /// Sets the limits of the writes from now on.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Reserves bytes for what the framework writes when the session is saved.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.reserved = bytes;
    }

    /// Fails when the session would be too large with these values, or without a value where there is
    /// none. A session that is too large already may be written as long as it does not grow.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`] with the first key that does not fit. Nothing was written.
    pub(super) fn check_size<'c>(
        &self,
        changes: impl Iterator<Item = (&'c str, Option<&'c str>)> + Clone,
    ) -> Result<(), SessionError> {
        let mut size = self.size;
        for (key, value) in changes.clone().filter(|(_, value)| value.is_none()) {
            self.resize(&mut size, key, value.map(str::len));
        }
        let mut too_large_key = None;
        for (key, value) in changes.filter(|(_, value)| value.is_some()) {
            self.resize(&mut size, key, value.map(str::len));
            let exceeded = self.exceeded_by(size);
            too_large_key = too_large_key.or(exceeded.map(|limit| (key, limit)));
        }
        match too_large_key {
            // The keys after it may be shorter than those that they replace.
            Some((key, limit)) if self.exceeded_by(size).is_some() => Err(too_large(key, limit)),
            _ => Ok(()),
        }
    }

    /// Whether the session certainly has room for a value of this length, and for so many bytes beside it.
    #[inline]
    pub(crate) fn has_room(&self, key: &str, value: usize, beside: usize) -> bool {
        let Size { bytes, members } = self.size;
        let longest_key = key.len().saturating_mul("\\u0000".len());
        let more = longest_key.saturating_add(value).saturating_add(MEMBER).saturating_add(beside);
        bytes.saturating_add(more) <= self.limits.bytes && members < self.limits.keys
    }

    /// Like [`check_size`](Self::check_size), for a value of this length.
    pub(super) fn check_growth(&self, key: &str, value: usize) -> Result<(), SessionError> {
        if self.has_room(key, value, self.reserved) {
            return Ok(());
        }
        self.check_size_of(key, value)
    }

    #[cold]
    fn check_size_of(&self, key: &str, value: usize) -> Result<(), SessionError> {
        let mut size = self.size;
        self.resize(&mut size, key, Some(value));
        self.exceeded_by(size).map_or(Ok(()), |limit| Err(too_large(key, limit)))
    }

    fn resize(&self, size: &mut Size, key: &str, value: Option<usize>) {
        if let Some(present) = self.raw(key) {
            size.subtract(member_len(quoted_len(key), present.len()));
        }
        if let Some(value) = value {
            size.add(member_len(quoted_len(key), value));
        }
    }

    /// Returns the limit that a session of this size exceeds, if it is larger than it was.
    fn exceeded_by(&self, size: Size) -> Option<SessionLimit> {
        let Limits { bytes, source, keys, .. } = self.limits;
        if size.bytes > self.size.bytes && size.json_len().saturating_add(self.reserved) > bytes {
            return Some(source);
        }
        let has_too_many_keys = size.members > self.size.members && size.members > keys;
        has_too_many_keys.then_some(SessionLimit::Keys { keys })
    }

    /// Counts a write of so many bytes to this key.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`] when the request has written too much.
    pub(super) fn spend(&mut self, key: &str, bytes: usize) -> Result<(), SessionError> {
        let bytes = bytes.saturating_mul(if self.is_updating { UPDATE } else { 1 });
        let spent = self.spent.saturating_add(WRITE + key.len()).saturating_add(bytes);
        let limit = self.limits.writes;
        if spent > limit {
            return Err(too_large(key, SessionLimit::Writes { bytes: limit }));
        }
        self.spent = spent;
        Ok(())
    }

    /// Counts a `clear` that has nothing to remove.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`] when the request has written too much.
    pub(crate) fn clear_nothing(&mut self) -> Result<(), SessionError> {
        self.spend(ALL_KEYS, 0)
    }

    /// Counts a visit of all members.
    pub(super) fn spend_visit(&mut self) -> Result<(), SessionError> {
        self.spend(ALL_KEYS, VISIT * (self.entries.len() + self.added.len()))
    }
}

#[cold]
fn too_large(key: &str, limit: SessionLimit) -> SessionError {
    SessionError::TooLarge { key: key.into(), limit }
}

#[cfg(test)]
mod tests {
    use super::{Limits, SessionLimit, quoted_len};
    use crate::dictionary::{Dictionary, quoted};

    #[test]
    fn the_length_of_a_key_is_that_of_its_json() {
        for key in ["", "a", "é", "\u{7f}", "𝕏", "a\"b\\c/d"] {
            assert_eq!(quoted_len(key), quoted(key).len(), "{key}");
        }
        for byte in 0..0x80_u8 {
            let key = char::from(byte).to_string();
            assert_eq!(quoted_len(&key), quoted(&key).len(), "{byte}");
        }
    }

    #[test]
    fn a_value_for_which_there_is_certainly_room_is_within_the_limits() {
        let source = SessionLimit::Payload { bytes: 0 };
        let mut certain = 0;
        for (bytes, keys, reserved) in (20..90).flat_map(|bytes| {
            (2..5).flat_map(move |keys| [0, 7].map(move |reserved| (bytes, keys, reserved)))
        }) {
            let mut dictionary = Dictionary::from_json(r#"{"a":1,"b\"":2}"#).unwrap();
            dictionary.set_limits(Limits::new(bytes, source, keys));
            dictionary.reserve(reserved);
            for (key, value) in ["a", "b\"", "new", "\u{1}\u{2}"]
                .into_iter()
                .flat_map(|key| [1, 5, 30].map(|value| (key, value)))
            {
                if dictionary.has_room(key, value, reserved) {
                    certain += 1;
                    assert!(
                        dictionary.check_size_of(key, value).is_ok(),
                        "{key:?} {value} {bytes}"
                    );
                }
            }
        }
        assert!(certain > 500, "{certain}");
    }

    #[test]
    fn the_size_is_that_of_the_json_whatever_is_written() {
        let opened = r#" {"b" : [1, 2],"a\"":1, "c":"x","c":"yy","\ud800":7} "#;
        let mut dictionary = Dictionary::from_json(opened).unwrap();
        let check = |dictionary: &Dictionary| {
            assert_eq!(dictionary.json_len(), dictionary.to_json().len());
        };
        check(&Dictionary::default());
        check(&dictionary);
        let mut state = 7_u64;
        for _ in 0..5_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let random = state >> 33;
            let key = ["a", "b", "c", "a\"", "\n", "new"][(random % 6) as usize];
            match random / 6 % 40 {
                0 => dictionary.clear(|key| key == "c").unwrap(),
                1 => dictionary.rollback(|key| key == "new"),
                2 => {
                    dictionary.take(key).unwrap();
                }
                3..12 => {
                    dictionary.remove(key).unwrap();
                }
                length => {
                    let json = quoted(&"x".repeat(usize::try_from(length).unwrap() % 9));
                    dictionary.insert_json(key, json).unwrap();
                }
            }
            check(&dictionary);
        }
        dictionary.reset();
        check(&dictionary);
    }
}
