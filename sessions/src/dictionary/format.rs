//! The JSON dialect of values.

use std::{io::Write, marker::PhantomData};

use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};
use serde_json::error::Result;

use crate::{codec::finite, error::SessionError};

/// The JSON dialect of a session's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Json,
    /// JSON with Flask's tags for types that JSON does not have.
    #[cfg(feature = "flask")]
    Flask,
}

impl Format {
    /// Whether `set_permanent(false)` writes the key `_permanent`, as Flask does.
    pub(crate) fn writes_permanent_false(self) -> bool {
        !matches!(self, Self::Json)
    }

    pub(crate) fn write<T: Serialize + ?Sized>(self, value: &T) -> Result<String> {
        match self {
            Self::Json => finite::to_json(value),
            #[cfg(feature = "flask")]
            Self::Flask => crate::codec::flask::to_json(value),
        }
    }

    /// Writes the JSON text of a value to `writer`, whose error ends the writing.
    pub(super) fn write_to<T: Serialize + ?Sized>(
        self,
        writer: &mut impl Write,
        value: &T,
    ) -> Result<()> {
        match self {
            Self::Json => finite::write_json(writer, value),
            #[cfg(feature = "flask")]
            Self::Flask => {
                let json = crate::codec::flask::to_json(value)?;
                writer.write_all(json.as_bytes()).map_err(serde_json::Error::io)
            }
        }
    }

    pub(crate) fn read<'j, S: DeserializeSeed<'j>>(
        self,
        seed: S,
        json: &'j str,
    ) -> Result<S::Value> {
        match self {
            Self::Json => {
                let mut reader = serde_json::Deserializer::from_str(json);
                let value = seed.deserialize(&mut reader)?;
                reader.end()?;
                Ok(value)
            }
            #[cfg(feature = "flask")]
            Self::Flask => seed.deserialize(crate::codec::flask::Reader::new(json)),
        }
    }

    /// Returns a message, a pair of category and text.
    pub(crate) fn flash(self, flash: (&str, &str)) -> String {
        let pair = match self {
            Self::Json => self.write(&flash),
            #[cfg(feature = "flask")]
            Self::Flask => self.write(&crate::codec::flask::Tuple(flash)),
        };
        pair.expect("two strings are always valid JSON")
    }
}

/// # The value of a key, with an error that names it
impl Format {
    pub(crate) fn decode<T: DeserializeOwned>(
        self,
        key: &str,
        json: &str,
    ) -> std::result::Result<T, SessionError> {
        self.read(PhantomData, json)
            .map_err(|err| SessionError::Decode { key: key.into(), source: err.into() })
    }
}
