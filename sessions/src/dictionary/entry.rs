//! One opened member of the dictionary, and the edit of this request.

use super::limits::{member_len, quoted_len};

/// A part of the opened payload, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Returns `None` for payloads of 4 GiB and more, which no session reaches.
    pub(super) fn new(range: &std::ops::Range<usize>) -> Option<Self> {
        Some(Self { start: u32::try_from(range.start).ok()?, end: u32::try_from(range.end).ok()? })
    }

    #[cfg(feature = "flask")]
    pub(super) fn start(self) -> u32 {
        self.start
    }

    fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    pub(super) fn of(self, payload: &str) -> &str {
        &payload[self.start as usize..self.end as usize]
    }
}

#[cfg_attr(not(feature = "flask"), allow(dead_code, reason = "Flask writes what it opened"))]
pub(super) enum Key {
    /// A part of the payload, without an escape.
    Span(Span),
    /// A key of the payload that is written with escapes, and its text there, with its quotes.
    Escaped(Box<str>, Span),
}

pub(super) enum Edit {
    Kept,
    Set(String),
    Removed,
}

pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) base: Span,
    pub(super) edit: Edit,
}

impl Entry {
    pub(super) fn key<'a>(&'a self, payload: &'a str) -> &'a str {
        match &self.key {
            Key::Span(span) => span.of(payload),
            Key::Escaped(key, _) => key,
        }
    }

    pub(super) fn has_key(&self, key: &str, payload: &str) -> bool {
        match &self.key {
            Key::Span(span) => {
                span.len() == key.len()
                    && payload.as_bytes()[span.start as usize..span.end as usize] == *key.as_bytes()
            }
            Key::Escaped(own, _) => **own == *key,
        }
    }

    /// Returns the bytes of the member in the payload, with its present value if there is one.
    pub(super) fn len(&self, payload: &str) -> Option<usize> {
        let quoted_key = match &self.key {
            Key::Span(span) => span.len() + "\"\"".len(),
            Key::Escaped(key, _) => quoted_len(key),
        };
        Some(member_len(quoted_key, self.value(payload)?.len()))
    }

    /// Returns the opened text of key, colon and value, if writing the entry would give the same.
    pub(super) fn as_opened<'a>(&self, payload: &'a str) -> Option<&'a str> {
        match (&self.key, self.base, &self.edit) {
            // Between the two: the closing quote and the colon.
            (Key::Span(key), base, Edit::Kept) if key.end + 2 == base.start => {
                Some(&payload[key.start as usize - 1..base.end as usize])
            }
            _ => None,
        }
    }

    /// Returns the current value's JSON text, or `None` for a removed key.
    pub(super) fn value<'a>(&'a self, payload: &'a str) -> Option<&'a str> {
        match &self.edit {
            Edit::Kept => Some(self.base.of(payload)),
            Edit::Set(value) => Some(value),
            Edit::Removed => None,
        }
    }
}
