//! One member of the dictionary: what was opened, and what this request made of it.

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

    fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    pub(super) fn of(self, payload: &str) -> &str {
        &payload[self.start as usize..self.end as usize]
    }
}

pub(super) enum Key {
    /// Stands in the payload without any escape.
    Span(Span),
    Owned(Box<str>),
}

pub(super) enum Edit {
    Kept,
    Set(String),
    Removed,
}

/// Invariant: a key that was not opened (`base` is `None`) has a value, so that an entry is never
/// a trace of a key that came and went within one request.
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) base: Option<Span>,
    pub(super) edit: Edit,
}

impl Entry {
    pub(super) fn key<'a>(&'a self, payload: &'a str) -> &'a str {
        match &self.key {
            Key::Span(span) => span.of(payload),
            Key::Owned(key) => key,
        }
    }

    pub(super) fn has_key(&self, key: &str, payload: &str) -> bool {
        match &self.key {
            Key::Span(span) => {
                span.len() == key.len()
                    && payload.as_bytes()[span.start as usize..span.end as usize] == *key.as_bytes()
            }
            Key::Owned(own) => **own == *key,
        }
    }

    /// How much longer a payload may be with what was set here.
    pub(super) fn added_room(&self, payload: &str) -> usize {
        match &self.edit {
            Edit::Kept | Edit::Removed => 0,
            Edit::Set(value) => self.key(payload).len() + value.len() + "\"\":,".len(),
        }
    }

    /// Key, colon and value as they stand in the payload, where that is how they are written.
    pub(super) fn as_opened<'a>(&self, payload: &'a str) -> Option<&'a str> {
        match (&self.key, self.base, &self.edit) {
            // Between the two: the closing quote and the colon.
            (Key::Span(key), Some(base), Edit::Kept) if key.end + 2 == base.start => {
                Some(&payload[key.start as usize - 1..base.end as usize])
            }
            _ => None,
        }
    }

    /// The value's JSON text as this request sees it.
    pub(super) fn value<'a>(&'a self, payload: &'a str) -> Option<&'a str> {
        match &self.edit {
            Edit::Kept => self.base.map(|span| span.of(payload)),
            Edit::Set(value) => Some(value),
            Edit::Removed => None,
        }
    }
}

/// Whether two JSON texts mean the same value.
///
/// Equal texts always do. Different texts may (the order of a map's keys, an escape, white space),
/// but only where there is something to write differently.
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

/// Whether parsing may round: two numbers of so many digits can differ and be read as one.
fn has_long_number(text: &str) -> bool {
    text.as_bytes().split(|byte| !byte.is_ascii_digit()).any(|digits| digits.len() > 15)
}
