//! The dictionary as a JSON object: split into members when it is opened, and joined again with the
//! text of members that were not changed since they were opened or added.

use std::{fmt::Write, iter, mem};

use super::{
    Dictionary,
    entry::{Edit, Entry, Key, Span},
    key_filter::KeyFilter,
    limits::{Size, member_len},
    member::{Member, push_key},
    payload::Payload,
    surrogate_keys::SurrogateKeys,
};
use crate::{codec::json_scan, error::DecodeError};

/// A typical size of a member, in bytes, to reserve the entries at once.
const BYTES_PER_MEMBER: usize = 48;

/// The longest number, in digits.
const DIGITS: usize = 20;

/// # Reading and writing
impl Dictionary {
    /// Parses a JSON object.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the text is not one JSON object, nests deeper than 127 levels inside a
    /// value, or is 4 GiB long.
    pub(crate) fn from_json(json: impl Into<String>) -> Result<Self, DecodeError> {
        let mut dictionary = Self::default();
        dictionary.open(Payload::Own(json.into()))?;
        Ok(dictionary)
    }

    /// Fills this empty dictionary from a JSON object. In place, because a dictionary is too large to move.
    ///
    /// # Errors
    ///
    /// Those of [`from_json`](Self::from_json).
    pub(crate) fn open(&mut self, payload: Payload) -> Result<(), DecodeError> {
        if u32::try_from(payload.len()).is_err() {
            return Err(DecodeError::TooLong);
        }
        let mut entries = Vec::with_capacity(payload.len() / BYTES_PER_MEMBER + 4);
        let mut surrogate_keys = SurrogateKeys::default();
        let mut filter = KeyFilter::default();
        let mut sorted = true;
        let mut size = Size::default();
        let mut last: Option<&[u8]> = None;
        json_scan::members(&payload, |member| {
            let key = if member.escaped {
                let quoted = &payload[member.key.start - 1..=member.key.end];
                sorted = false;
                match serde_json::from_str::<Box<str>>(quoted) {
                    Ok(key) => {
                        filter.add(key.as_bytes());
                        Key::Escaped(key, Span::new(&(member.key.start - 1..member.key.end + 1))?)
                    }
                    Err(_) => return surrogate_keys.push(&payload, &member).ok(),
                }
            } else {
                let key = &payload.as_bytes()[member.key.clone()];
                filter.add(key);
                sorted &= last.replace(key).is_none_or(|last| last < key);
                Key::Span(Span::new(&member.key)?)
            };
            // As written again, without white space around the key.
            size.add(member_len(member.key.len() + "\"\"".len(), member.value.len()));
            entries.push(Entry { key, base: Span::new(&member.value)?, edit: Edit::Kept });
            Some(())
        })
        .ok_or(DecodeError::NotAnObject)?;
        if !sorted {
            entries.sort_by(|one, other| one.key(&payload).cmp(other.key(&payload)));
            // The sort is stable, and the last of equal keys wins, as in other JSON readers.
            entries.reverse();
            entries.dedup_by(|one, other| one.key(&payload) == other.key(&payload));
            entries.reverse();
        }
        self.payload = payload;
        self.entries = entries;
        self.filter = filter;
        self.surrogate_keys = surrogate_keys;
        self.size = size;
        if !sorted {
            self.measure();
        }
        Ok(())
    }

    /// Returns the members, sorted by key.
    #[inline]
    pub(super) fn present(&self) -> impl Iterator<Item = Present<'_>> {
        let Self { payload, entries, added, .. } = self;
        let mut opened = entries.iter().filter_map(|entry| Present::opened(entry, payload));
        let mut added = added.iter();
        let (mut next_opened, mut next_added) = (opened.next(), added.next());
        iter::from_fn(move || match (&next_opened, next_added) {
            (Some(one), Some((key, _))) if one.key < key => {
                mem::replace(&mut next_opened, opened.next())
            }
            (_, Some((key, added_member))) => {
                next_added = added.next();
                Some(Present::added(key, &added_member.member))
            }
            (_, None) => mem::replace(&mut next_opened, opened.next()),
        })
    }

    /// Returns the members as a JSON object, with keys sorted by code point and no white space
    /// between members.
    pub(crate) fn to_json(&self) -> String {
        self.to_json_with(None)
    }

    /// Like [`to_json`](Self::to_json), with a number under a key that is not among the others and
    /// needs no escape.
    pub(crate) fn to_json_with(&self, mut more: Option<(&str, u64)>) -> String {
        let added = more.map_or(0, |(key, _)| key.len() + DIGITS + "\"\":,".len());
        let mut json = String::with_capacity(self.json_len() + added);
        json.push('{');
        for member in self.present() {
            if let Some((key, number)) = more.take_if(|(key, _)| *key < member.key) {
                push_number(key, number, &mut json);
            }
            if json.len() > 1 {
                json.push(',');
            }
            match member.text {
                Some(text) => json.push_str(text),
                None => {
                    push_key(member.key, &mut json);
                    json.push_str(member.value);
                }
            }
        }
        if let Some((key, number)) = more {
            push_number(key, number, &mut json);
        }
        if self.surrogate_members().next().is_some() {
            self.push_surrogate_members(&mut json);
        }
        json.push('}');
        json
    }

    #[cold]
    fn push_surrogate_members(&self, json: &mut String) {
        for (key, value) in self.surrogate_members() {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(key);
            json.push(':');
            json.push_str(value);
        }
    }
}

/// A member as it is to be written, and where it comes from.
#[cfg(feature = "flask")]
pub(crate) struct Written<'d> {
    pub(crate) key: WrittenKey<'d>,
    pub(crate) value: &'d str,
    pub(crate) origin: Origin,
}

#[cfg(feature = "flask")]
pub(crate) enum WrittenKey<'d> {
    /// As it stands in the opened text, between its quotes.
    Opened(&'d str),
    New(&'d str),
}

#[cfg(feature = "flask")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// It was opened, at this place in the text.
    Opened { at: u32, is_changed: bool },
    /// It was added by this request, at this revision.
    New(u64),
}

/// # Writing what was opened as it was
#[cfg(feature = "flask")]
impl Dictionary {
    /// Returns the members, in no particular order.
    pub(crate) fn written(&self) -> impl Iterator<Item = Written<'_>> {
        let Self { payload, entries, added, surrogate_keys, .. } = self;
        let entries = entries.iter().filter_map(|entry| {
            let value = entry.value(payload)?;
            let is_changed = !matches!(entry.edit, Edit::Kept);
            let (key, origin) = match &entry.key {
                Key::Escaped(_, quoted) => {
                    let at = quoted.start();
                    let key = quoted.of(payload);
                    (WrittenKey::Opened(&key[1..key.len() - 1]), Origin::Opened { at, is_changed })
                }
                Key::Span(key) => {
                    let at = key.start();
                    (WrittenKey::Opened(key.of(payload)), Origin::Opened { at, is_changed })
                }
            };
            Some(Written { key, value, origin })
        });
        let added = added.iter().map(|(key, added)| {
            let origin = Origin::New(added.since);
            Written { key: WrittenKey::New(key), value: added.member.value(), origin }
        });
        entries.chain(added).chain(surrogate_keys.spans().map(|(key, value)| {
            let origin = Origin::Opened { at: key.start(), is_changed: false };
            let key = key.of(payload);
            let key = WrittenKey::Opened(&key[1..key.len() - 1]);
            Written { key, value: value.of(payload), origin }
        }))
    }

    /// Whether the opened text has characters outside ASCII.
    pub(crate) fn was_opened_beyond_ascii(&self) -> bool {
        !self.payload.is_ascii()
    }
}

/// A member of the session.
pub(super) struct Present<'d> {
    pub(super) key: &'d str,
    pub(super) value: &'d str,
    /// Key, colon and value as they were opened or added, if writing them would give the same.
    text: Option<&'d str>,
}

impl<'d> Present<'d> {
    fn opened(entry: &'d Entry, payload: &'d str) -> Option<Self> {
        let (key, value) = (entry.key(payload), entry.value(payload)?);
        Some(Self { key, value, text: entry.as_opened(payload) })
    }

    fn added(key: &'d str, member: &'d Member) -> Self {
        Self { key, value: member.value(), text: Some(member.text()) }
    }
}

/// Appends a number under a key that needs no escape.
fn push_number(key: &str, number: u64, json: &mut String) {
    let comma = if json.len() > 1 { "," } else { "" };
    write!(json, "{comma}\"{key}\":{number}").expect("writing to a string does not fail");
}
