//! Members whose keys no Rust string holds, since Python wrote a surrogate without its partner.
//!
//! No handler can ask for them. They pass through, and are removed by `clear` and `purge`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::entry::Span;
use crate::{codec::json_scan::Member, error::DecodeError};

#[derive(Default)]
pub(super) struct SurrogateKeys {
    /// Each key with its quotes, and its value.
    members: Vec<(Span, Span)>,
    removed: bool,
}

impl SurrogateKeys {
    /// Takes a member whose key is escaped and is no Rust string.
    pub(super) fn push(&mut self, payload: &str, member: &Member) -> Result<(), DecodeError> {
        let quoted = member.key.start - 1..member.key.end + 1;
        // It must still be well-formed.
        serde_json::from_str::<AnyString>(&payload[quoted.clone()])
            .map_err(|_| DecodeError::NotAnObject)?;
        let spans = Span::new(&quoted).zip(Span::new(&member.value));
        self.members.push(spans.ok_or(DecodeError::TooLong)?);
        Ok(())
    }

    pub(super) fn members<'p>(&self, payload: &'p str) -> impl Iterator<Item = (&'p str, &'p str)> {
        let present = if self.removed { &[][..] } else { self.members.as_slice() };
        present.iter().map(|(key, value)| (key.of(payload), value.of(payload)))
    }

    pub(super) fn is_edited(&self) -> bool {
        self.removed && !self.members.is_empty()
    }

    pub(super) fn remove(&mut self) {
        self.removed = true;
    }

    pub(super) fn restore(&mut self) {
        self.removed = false;
    }

    /// Drops the members as if none had been opened.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// A string of JSON, surrogates or not: as bytes, `serde_json` reads those too.
struct AnyString;

impl<'de> Deserialize<'de> for AnyString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Self)
    }
}

impl Visitor<'_> for AnyString {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Self, E> {
        Ok(self)
    }
}
