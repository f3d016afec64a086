//! The tags by which Flask's JSON tells Python's types apart: an object with one key.

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
}
