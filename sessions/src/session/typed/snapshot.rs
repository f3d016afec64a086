//! A copy of the fields of a struct, to be parsed after the session's lock is given back.

use std::{cell::Cell, fmt};

use serde::{Deserializer, de::Visitor, forward_to_deserialize_any};

use super::SessionData;
use crate::dictionary::{Dictionary, Format, JsonText};

/// The fields of a struct as a dictionary has them, each as JSON text.
#[derive(Default)]
pub(crate) struct Snapshot {
    format: Format,
    members: Vec<(&'static str, JsonText)>,
}

impl Snapshot {
    pub(crate) fn of(dictionary: &Dictionary, fields: &[&'static str]) -> Self {
        let stored = |field: &&'static str| Some((*field, dictionary.raw(field)?.into()));
        let members = fields.iter().filter_map(stored).collect();
        Self { format: dictionary.format(), members }
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn get(&self, field: &str) -> Option<&str> {
        self.members.iter().find(|(name, _)| *name == field).map(|(_, json)| &**json)
    }
}

/// Returns the fields that `T` asks for when it is read, their aliases included; none for a type
/// that is no struct with named fields.
pub(super) fn field_names<T: SessionData>() -> &'static [&'static str] {
    let names = Cell::new(&[][..]);
    // It fails as soon as it has told its fields.
    let _ = T::deserialize(Names(&names));
    names.get()
}

/// The names of the fields were all that was asked for.
#[derive(Debug)]
struct NoValue;

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the names of the fields are asked for")
    }
}

impl std::error::Error for NoValue {}

impl serde::de::Error for NoValue {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self
    }
}

/// Keeps the names of the fields, and has no value.
struct Names<'n>(&'n Cell<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = NoValue;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NoValue> {
        self.0.set(fields);
        Err(NoValue)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
