//! Members whose keys are not valid Rust strings: Python can write an unpaired surrogate.
//!
//! Handlers cannot name such a key. It is saved unchanged, and `clear` and `purge` remove it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::entry::Span;
use crate::{codec::json_scan::Member, error::DecodeError};

#[derive(Default)]
pub(super) struct SurrogateKeys {
    /// The key with its quotes, and the value.
    members: Vec<(Span, Span)>,
    removed: bool,
}

impl SurrogateKeys {
    /// Adds a member whose escaped key is not a valid Rust string.
    pub(super) fn push(&mut self, payload: &str, member: &Member) -> Result<(), DecodeError> {
        let quoted = member.key.start - 1..member.key.end + 1;
        // The key must still be well-formed JSON.
        serde_json::from_str::<AnyString>(&payload[quoted.clone()])
            .map_err(|_| DecodeError::NotAnObject)?;
        let spans = Span::new(&quoted).zip(Span::new(&member.value));
        self.members.push(spans.ok_or(DecodeError::TooLong)?);
        Ok(())
    }

    pub(super) fn members<'p>(&self, payload: &'p str) -> impl Iterator<Item = (&'p str, &'p str)> {
        self.spans().map(|(key, value)| (key.of(payload), value.of(payload)))
    }

    /// Returns where the members stand that are not removed: the key with its quotes, and the value.
    pub(super) fn spans(&self) -> impl Iterator<Item = (Span, Span)> {
        let present = if self.removed { &[][..] } else { self.members.as_slice() };
        present.iter().copied()
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

    /// Drops all members, including the opened ones.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Any JSON string: as bytes, `serde_json` also reads unpaired surrogates.
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
