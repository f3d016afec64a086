//! The deserialiser of a dictionary's key: a string, from which numbers and booleans are parsed
//! too.

use std::borrow::Cow;

use serde::{
    Deserializer,
    de::{Error as _, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Error, error::Result};

use crate::codec::json_scan;

pub(super) struct MapKey<'t>(Cow<'t, str>);

impl<'t> MapKey<'t> {
    /// Decodes the key of a member of the object in `text`.
    pub(super) fn new(text: &'t str, member: &json_scan::Member) -> Result<Self> {
        Ok(Self(if member.escaped {
            serde_json::from_str(&text[member.key.start - 1..=member.key.end])?
        } else {
            Cow::Borrowed(&text[member.key.clone()])
        }))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn without_suffix(self, suffix: &str) -> Option<Self> {
        match self.0 {
            Cow::Borrowed(key) => key.strip_suffix(suffix).map(Cow::Borrowed),
            Cow::Owned(key) => key.strip_suffix(suffix).map(|key| Cow::Owned(key.to_owned())),
        }
        .map(Self)
    }
}

impl<'t> From<&'t str> for MapKey<'t> {
    fn from(key: &'t str) -> Self {
        Self(Cow::Borrowed(key))
    }
}

impl<'t> IntoDeserializer<'t, Error> for MapKey<'t> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Parses a number or boolean from the text of the key.
macro_rules! unquoted {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
                let Cow::Borrowed(key) = self.0 else { return self.deserialize_any(visitor) };
                let mut reader = serde_json::Deserializer::from_str(key);
                let value = reader.$method(visitor)?;
                reader.end()?;
                Ok(value)
            }
        )*
    };
}

impl<'t> Deserializer<'t> for MapKey<'t> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Cow::Borrowed(key) => visitor.visit_borrowed_str(key),
            Cow::Owned(key) => visitor.visit_string(key),
        }
    }

    unquoted! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.0 {
            Cow::Borrowed(key) => {
                let variant: serde::de::value::BorrowedStrDeserializer<'t, Error> =
                    serde::de::value::BorrowedStrDeserializer::new(key);
                visitor.visit_enum(variant)
            }
            Cow::Owned(_) => Err(Error::custom("the name of a variant has an escape")),
        }
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}
