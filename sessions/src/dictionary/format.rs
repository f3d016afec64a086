//! How values are written as JSON text.

use std::marker::PhantomData;

use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};
use serde_json::error::Result;

use crate::error::SessionError;

/// Plain JSON, or JSON in which tags stand for what JSON does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Json,
    /// With the tags of Flask.
    #[cfg(feature = "flask")]
    Flask,
}

impl Format {
    /// Whether a session that is not permanent may say so: Flask writes it down where it is set.
    pub(crate) fn notes_impermanence(self) -> bool {
        !matches!(self, Self::Json)
    }

    pub(crate) fn write<T: Serialize + ?Sized>(self, value: &T) -> Result<String> {
        match self {
            Self::Json => serde_json::to_string(value),
            #[cfg(feature = "flask")]
            Self::Flask => crate::codec::flask::to_json(value),
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

    /// Returns these messages, a JSON list or none yet, with one more: a pair of category and text.
    /// `None` when they are no list.
    pub(crate) fn append_flash(self, flashes: Option<&str>, flash: (&str, &str)) -> Option<String> {
        let pair = match self {
            Self::Json => self.write(&flash),
            #[cfg(feature = "flask")]
            Self::Flask => self.write(&crate::codec::flask::Tuple(flash)),
        };
        let pair = pair.expect("two strings are always valid JSON");
        let former = flashes.unwrap_or("[]").trim().strip_prefix('[')?.strip_suffix(']')?.trim();
        let comma = if former.is_empty() { "" } else { "," };
        Some(format!("[{former}{comma}{pair}]"))
    }
}

/// The value of a key.
impl Format {
    pub(crate) fn decode<T: DeserializeOwned>(
        self,
        key: &str,
        json: &str,
    ) -> std::result::Result<T, SessionError> {
        self.read(PhantomData, json)
            .map_err(|source| SessionError::Decode { key: key.into(), source })
    }

    pub(crate) fn encode<T: Serialize + ?Sized>(
        self,
        key: &str,
        value: &T,
    ) -> std::result::Result<String, SessionError> {
        self.write(value).map_err(|source| SessionError::Encode { key: key.into(), source })
    }
}
