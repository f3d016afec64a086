//! Finds the field that cannot be written, for the error that names it.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{Impossible, SerializeMap, SerializeStruct},
};

use crate::dictionary::Format;

/// Returns the first field of `data` that cannot be written, with its error.
pub(super) fn unwritable_field<T: Serialize>(
    data: &T,
    format: Format,
) -> Option<(Box<str>, serde_json::Error)> {
    match data.serialize(Fields { format, key: String::new() }) {
        Err(Stop::Field(key, source)) => Some((key, source)),
        Ok(()) | Err(Stop::NoFields) => None,
    }
}

/// Writes each field by itself.
struct Fields {
    format: Format,
    /// The key of the next value.
    key: String,
}

/// Why the search ends.
#[derive(Debug)]
enum Stop {
    Field(Box<str>, serde_json::Error),
    /// It is no struct with named fields.
    NoFields,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(key, source) => write!(f, "`{key}`: {source}"),
            Self::NoFields => f.write_str("expected a struct with named fields"),
        }
    }
}

impl std::error::Error for Stop {}

impl serde::ser::Error for Stop {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self::NoFields
    }
}

impl Fields {
    fn try_field<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Stop> {
        let written = self.format.write(value).map(drop);
        written.map_err(|source| Stop::Field(key.into(), source))
    }
}

/// Values without fields.
macro_rules! no_fields {
    ($($method:ident($($type:ty),*) -> $ok:ty,)*) => {
        $(
            fn $method(self, $(_: $type),*) -> Result<$ok, Stop> {
                Err(Stop::NoFields)
            }
        )*
    };
}

type No = Impossible<(), Stop>;

impl Serializer for Fields {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = No;

    no_fields! {
        serialize_bool(bool) -> (),
        serialize_i8(i8) -> (),
        serialize_i16(i16) -> (),
        serialize_i32(i32) -> (),
        serialize_i64(i64) -> (),
        serialize_u8(u8) -> (),
        serialize_u16(u16) -> (),
        serialize_u32(u32) -> (),
        serialize_u64(u64) -> (),
        serialize_f32(f32) -> (),
        serialize_f64(f64) -> (),
        serialize_char(char) -> (),
        serialize_str(&str) -> (),
        serialize_bytes(&[u8]) -> (),
        serialize_none() -> (),
        serialize_unit() -> (),
        serialize_unit_struct(&'static str) -> (),
        serialize_unit_variant(&'static str, u32, &'static str) -> (),
        serialize_seq(Option<usize>) -> No,
        serialize_tuple(usize) -> No,
        serialize_tuple_struct(&'static str, usize) -> No,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No,
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Stop> {
        Err(Stop::NoFields)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }
}

impl SerializeStruct for Fields {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.try_field(name, value)
    }

    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}

/// A struct with a flattened field, or one that serialises itself.
impl SerializeMap for Fields {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        let key = serde_json::to_value(key).map_err(|_| Stop::NoFields)?;
        self.key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.try_field(&self.key, value)
    }

    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}
