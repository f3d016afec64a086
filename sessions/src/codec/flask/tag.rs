//! The tags of Flask's JSON, objects with one key, which mark Python's types.

/// A tag of Flask's `TaggedJSONSerializer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Dict,
    Tuple,
    Bytes,
    Markup,
    Uuid,
    DateTime,
}

// The newtype names with which the wrappers ask this reader and writer for their tag. Other formats
// ignore the name of a newtype.
pub(crate) const TUPLE: &str = "$sessions::flask::Tuple";
pub(crate) const BYTES: &str = "$sessions::flask::Bytes";
pub(crate) const MARKUP: &str = "$sessions::flask::Markup";
pub(crate) const UUID: &str = "$sessions::flask::Uuid";
pub(crate) const DATE_TIME: &str = "$sessions::flask::DateTime";
/// The newtype name with which `Value` asks for all tags.
pub(crate) const VALUE: &str = "$sessions::flask::Value";
/// The prefix of the names with which `serde_json` passes on numbers and raw values.
pub(crate) const RAW: &str = "$serde_json::private::";

impl Tag {
    const ALL: [Self; 6] =
        [Self::Dict, Self::Tuple, Self::Bytes, Self::Markup, Self::Uuid, Self::DateTime];

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Dict => " di",
            Self::Tuple => " t",
            Self::Bytes => " b",
            Self::Markup => " m",
            Self::Uuid => " u",
            Self::DateTime => " d",
        }
    }

    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Self::of_bytes(key.as_bytes())
    }

    pub(crate) fn of_bytes(key: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.key().as_bytes() == key)
    }

    /// Finds the tag of a key with its quotes.
    pub(crate) fn of_quoted(key: &str) -> Option<Self> {
        Self::of_key(key.strip_prefix('"')?.strip_suffix('"')?)
    }

    pub(crate) fn of_wrapper(name: &str) -> Option<Self> {
        match name {
            TUPLE => Some(Self::Tuple),
            BYTES => Some(Self::Bytes),
            MARKUP => Some(Self::Markup),
            UUID => Some(Self::Uuid),
            DATE_TIME => Some(Self::DateTime),
            _ => None,
        }
    }
}
