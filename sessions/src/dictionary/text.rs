//! A copy of a value, to be parsed after the session's lock is given back.

use std::{ops::Deref, str};

use smallvec::SmallVec;

/// Most values are shorter: ids, names, numbers.
const INLINE: usize = 64;

/// The JSON text of one value. A short one needs no allocation.
pub(crate) struct JsonText(SmallVec<[u8; INLINE]>);

impl From<&str> for JsonText {
    fn from(json: &str) -> Self {
        Self(SmallVec::from_slice(json.as_bytes()))
    }
}

impl Deref for JsonText {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(&self.0).expect("it is a copy of a string")
    }
}
