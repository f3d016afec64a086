//! One member of the dictionary: the opened value, and the edit of this request.

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
    /// A key of this request, and the revision of the dictionary at which it was added.
    New(Box<str>, u64),
}

pub(super) enum Edit {
    Kept,
    Set(String),
    Removed,
}

/// Invariant: an entry without an opened value (`base`) has a value. A key that is set and removed
/// within one request leaves no entry.
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) base: Option<Span>,
    pub(super) edit: Edit,
}

impl Entry {
    pub(super) fn key<'a>(&'a self, payload: &'a str) -> &'a str {
        match &self.key {
            Key::Span(span) => span.of(payload),
            Key::Escaped(key, _) | Key::New(key, _) => key,
        }
    }

    pub(super) fn has_key(&self, key: &str, payload: &str) -> bool {
        match &self.key {
            Key::Span(span) => {
                span.len() == key.len()
                    && payload.as_bytes()[span.start as usize..span.end as usize] == *key.as_bytes()
            }
            Key::Escaped(own, _) | Key::New(own, _) => **own == *key,
        }
    }

    /// Returns how many bytes this edit may add to the payload.
    pub(super) fn added_room(&self, payload: &str) -> usize {
        match &self.edit {
            Edit::Kept | Edit::Removed => 0,
            Edit::Set(value) => self.key(payload).len() + value.len() + "\"\":,".len(),
        }
    }

    /// Returns the opened text of key, colon and value, if writing the entry would give the same.
    pub(super) fn as_opened<'a>(&self, payload: &'a str) -> Option<&'a str> {
        match (&self.key, self.base, &self.edit) {
            // Between the two: the closing quote and the colon.
            (Key::Span(key), Some(base), Edit::Kept) if key.end + 2 == base.start => {
                Some(&payload[key.start as usize - 1..base.end as usize])
            }
            _ => None,
        }
    }

    /// Returns the current value's JSON text, or `None` for a removed key.
    pub(super) fn value<'a>(&'a self, payload: &'a str) -> Option<&'a str> {
        match &self.edit {
            Edit::Kept => self.base.map(|span| span.of(payload)),
            Edit::Set(value) => Some(value),
            Edit::Removed => None,
        }
    }
}

/// Whether two JSON texts have the same value.
///
/// Different texts may: by the order of keys, an escape, or white space. Texts without any of these
/// are not parsed.
pub(crate) fn same_value(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let plain = |text: &str| !text.contains(['{', '[', '\\']);
    if plain(one) && plain(other) || has_long_number(one) || has_long_number(other) {
        return false;
    }
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    parse(one).is_some_and(|one| Some(one) == parse(other))
}

/// Whether parsing may round: two different numbers of more than 15 digits may parse as the same.
fn has_long_number(text: &str) -> bool {
    text.as_bytes().split(|byte| !byte.is_ascii_digit()).any(|digits| digits.len() > 15)
}
