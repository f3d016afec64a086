//! Writes values as JSON and refuses NaN and infinity, which `serde_json` writes as `null`.

use std::{fmt, io::Write};

use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

/// What an error says of such a number.
pub(crate) const NOT_FINITE: &str = "the number is NaN or infinite, which JSON does not have";

/// Writes one value as JSON text.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let mut json = Vec::with_capacity(128);
    write_json(&mut json, value)?;
    Ok(String::from_utf8(json).expect("JSON is UTF-8"))
}

/// Writes one value as JSON text to `writer`, whose error ends the writing.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    writer: impl Write,
    value: &T,
) -> serde_json::Result<()> {
    value.serialize(Finite(&mut serde_json::Serializer::new(writer)))
}

/// A serialiser that refuses numbers that are not finite, at any depth, and a value that is to be
/// written with such a one.
struct Finite<T>(T);

impl<T: Serialize + ?Sized> Serialize for Finite<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Finite(serializer))
    }
}

/// Passes values on that hold no others.
macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {
        $(
            fn $method(self, $($argument: $type),*) -> Result<S::Ok, S::Error> {
                self.0.$method($($argument),*)
            }
        )*
    };
}

/// Begins values that hold others.
macro_rules! begin {
    ($($method:ident($($argument:ident: $type:ty),*) -> $compound:ident)*) => {
        $(
            fn $method(
                self,
                $($argument: $type),*
            ) -> Result<Self::$compound, S::Error> {
                self.0.$method($($argument),*).map(Finite)
            }
        )*
    };
}

impl<S: Serializer> Serializer for Finite<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Finite<S::SerializeSeq>;
    type SerializeTuple = Finite<S::SerializeTuple>;
    type SerializeTupleStruct = Finite<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Finite<S::SerializeTupleVariant>;
    type SerializeMap = Finite<S::SerializeMap>;
    type SerializeStruct = Finite<S::SerializeStruct>;
    type SerializeStructVariant = Finite<S::SerializeStructVariant>;

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        if value.is_finite() { self.0.serialize_f32(value) } else { Err(not_finite()) }
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        if value.is_finite() { self.0.serialize_f64(value) } else { Err(not_finite()) }
    }

    pass_on! {
        serialize_bool(value: bool)
        serialize_i8(value: i8)
        serialize_i16(value: i16)
        serialize_i32(value: i32)
        serialize_i64(value: i64)
        serialize_i128(value: i128)
        serialize_u8(value: u8)
        serialize_u16(value: u16)
        serialize_u32(value: u32)
        serialize_u64(value: u64)
        serialize_u128(value: u128)
        serialize_char(value: char)
        serialize_str(value: &str)
        serialize_bytes(value: &[u8])
        serialize_none()
        serialize_unit()
        serialize_unit_struct(name: &'static str)
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Finite(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Finite(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Finite(value))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    begin! {
        serialize_seq(length: Option<usize>) -> SerializeSeq
        serialize_tuple(length: usize) -> SerializeTuple
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeTupleVariant
        serialize_map(length: Option<usize>) -> SerializeMap
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeStructVariant
    }
}

fn not_finite<E: serde::ser::Error>() -> E {
    E::custom(NOT_FINITE)
}

/// Passes the parts of a value on that have no name.
macro_rules! elements {
    ($($compound:ident::$method:ident)*) => {
        $(
            impl<C: $compound> $compound for Finite<C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn $method<T: Serialize + ?Sized>(
                    &mut self,
                    value: &T,
                ) -> Result<(), C::Error> {
                    self.0.$method(&Finite(value))
                }

                fn end(self) -> Result<C::Ok, C::Error> {
                    self.0.end()
                }
            }
        )*
    };
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

/// Passes the fields of a value on.
macro_rules! fields {
    ($($compound:ident)*) => {
        $(
            impl<C: $compound> $compound for Finite<C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), C::Error> {
                    self.0.serialize_field(name, &Finite(value))
                }

                fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                    self.0.skip_field(name)
                }

                fn end(self) -> Result<C::Ok, C::Error> {
                    self.0.end()
                }
            }
        )*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Finite<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    // The inner serialiser refuses keys that are not finite.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.0.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.0.serialize_value(&Finite(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.0.end()
    }
}
