//! Any value of a Flask session.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor},
};
use serde_json::Number;

use super::{
    date_time::DateTime,
    tag::{self, Tag},
    uuid::Uuid,
    wrappers::{Bytes, Markup, Tuple},
};

/// Any value of a Flask session, with its type in Python, so that it is written as it was read.
///
/// `serde_json::Value` reads a tuple as an array, and writes it as a list.
///
/// # Examples
///
/// ```
/// use sessions::{flask::Value, Session, SessionError};
///
/// fn is_a_tuple(session: &Session) -> Result<bool, SessionError> {
///     Ok(matches!(session.get("pair")?, Some(Value::Tuple(_))))
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    #[default]
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// An `int` of 64 bits, or a `float`.
    Number(Number),
    /// A `str`.
    String(String),
    /// A `list`.
    List(Vec<Value>),
    /// A `dict`, with keys sorted by code point, as Flask sorts them.
    Dict(BTreeMap<String, Value>),
    /// A `tuple`.
    Tuple(Vec<Value>),
    /// A `bytes`.
    Bytes(Bytes),
    /// A `Markup`.
    Markup(Markup),
    /// A `UUID`.
    Uuid(Uuid),
    /// A `datetime`.
    DateTime(DateTime),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => value.serialize(serializer),
            Self::Number(value) => value.serialize(serializer),
            Self::String(value) => value.serialize(serializer),
            Self::List(value) => value.serialize(serializer),
            Self::Dict(value) => value.serialize(serializer),
            Self::Tuple(value) => Tuple(value).serialize(serializer),
            Self::Bytes(value) => value.serialize(serializer),
            Self::Markup(value) => value.serialize(serializer),
            Self::Uuid(value) => value.serialize(serializer),
            Self::DateTime(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(tag::VALUE, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a Flask session")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number.map(Value::Number).ok_or_else(|| E::custom("the number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = access.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut dict = BTreeMap::new();
        while let Some((key, value)) = access.next_entry()? {
            dict.insert(key, value);
        }
        Ok(Value::Dict(dict))
    }

    /// Reads a tag, which `TagReader` shows as a variant.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (key, content): (String, _) = access.variant()?;
        match Tag::of_key(&key) {
            Some(Tag::Tuple) => content.newtype_variant().map(Value::Tuple),
            Some(Tag::Bytes) => content.newtype_variant().map(Value::Bytes),
            Some(Tag::Markup) => content.newtype_variant().map(Value::Markup),
            Some(Tag::Uuid) => content.newtype_variant().map(Value::Uuid),
            Some(Tag::DateTime) => content.newtype_variant().map(Value::DateTime),
            Some(Tag::Dict) | None => Err(A::Error::custom("the variant is not a tag")),
        }
    }
}
