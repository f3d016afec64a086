//! Writes values so that Flask reads them with their types: wrappers as tags, and dictionaries that
//! look like tags escaped.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Serialize, Serializer,
    ser::{
        Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
        SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    },
};
use serde_json::{Error, error::Result};

use super::{
    canonical::{self, Dicts, escaped},
    tag::{RAW, Tag},
    text::push_string,
};
use crate::codec::finite::NOT_FINITE;

/// Writes one value as JSON text.
#[derive(Clone, Copy)]
pub(crate) struct Writer;

pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    value.serialize(Writer)
}

fn tagged(tag: Tag, json: &str) -> String {
    format!("{{\"{}\":{json}}}", tag.key())
}

fn float(value: f64, text: Result<String>) -> Result<String> {
    if value.is_finite() { text } else { Err(Error::custom(NOT_FINITE)) }
}

/// Writes values whose `Display` is their JSON.
macro_rules! displayed {
    ($($method:ident($type:ty))*) => {
        $(
            fn $method(self, value: $type) -> Result<String> {
                Ok(value.to_string())
            }
        )*
    };
}

impl Serializer for Writer {
    type Ok = String;
    type Error = Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = Variant<List>;
    type SerializeMap = Dict;
    type SerializeStruct = Dict;
    type SerializeStructVariant = Variant<Dict>;

    displayed! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    fn serialize_f32(self, value: f32) -> Result<String> {
        float(value.into(), serde_json::to_string(&value))
    }

    fn serialize_f64(self, value: f64) -> Result<String> {
        float(value, serde_json::to_string(&value))
    }

    fn serialize_char(self, value: char) -> Result<String> {
        serde_json::to_string(&value)
    }

    fn serialize_str(self, value: &str) -> Result<String> {
        serde_json::to_string(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<String> {
        Ok(tagged(Tag::Bytes, &format!("\"{}\"", STANDARD.encode(value))))
    }

    fn serialize_none(self) -> Result<String> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<String> {
        Ok("null".to_owned())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<String> {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<String> {
        let json = value.serialize(self)?;
        let Some(tag) = Tag::of_wrapper(name) else { return Ok(json) };
        // Flask expects an array after this tag, or a string after the others.
        if !json.starts_with(if tag == Tag::Tuple { '[' } else { '"' }) {
            return Err(Error::custom("a `Tuple` holds a sequence"));
        }
        Ok(tagged(tag, &json))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<String> {
        Ok(variant(name, &value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List> {
        Ok(List::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<List> {
        Ok(List::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List> {
        Ok(List::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Variant<List>> {
        Ok(Variant { name, content: List::default() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Dict> {
        Ok(Dict::default())
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Dict> {
        Ok(Dict { raw: name.starts_with(RAW), ..Dict::default() })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Variant<Dict>> {
        Ok(Variant { name, content: Dict::default() })
    }
}

#[derive(Default)]
pub(crate) struct List {
    /// The elements, each followed by a comma.
    elements: String,
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.elements.push_str(&value.serialize(Writer)?);
        self.elements.push(',');
        Ok(())
    }

    fn json(self) -> String {
        format!("[{}]", self.elements.strip_suffix(',').unwrap_or_default())
    }
}

#[derive(Default)]
pub(crate) struct Dict {
    members: Vec<(String, String)>,
    /// The key of the next value, with its quotes.
    key: String,
    /// Whether it holds a number or a raw value that `serde_json` passes on as a struct.
    raw: bool,
}

impl Dict {
    fn push<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<()> {
        self.members.push((key, value.serialize(Writer)?));
        Ok(())
    }

    fn json(self) -> Result<String> {
        if let ([(_, text)], true) = (self.members.as_slice(), self.raw) {
            let text: String = serde_json::from_str(text)?;
            return canonical::value(&text, Dicts::Plain)
                .ok_or_else(|| Error::custom("the raw value is not valid JSON"));
        }
        if let [(key, value)] = self.members.as_slice()
            && let Some(tag) = Tag::of_quoted(key)
        {
            return Ok(escaped(tag, value));
        }
        let members: Vec<_> =
            self.members.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        Ok(format!("{{{}}}", members.join(",")))
    }
}

/// Returns a key with its quotes, from a string, a number or a boolean.
fn key<T: Serialize + ?Sized>(key: &T) -> Result<String> {
    let json = serde_json::to_string(key)?;
    match json.as_bytes().first() {
        Some(b'"') => Ok(json),
        Some(b'{' | b'[') | None => Err(Error::custom("a key must be a string")),
        Some(_) if json == "null" => Err(Error::custom("a key must be a string")),
        Some(_) => Ok(format!("\"{json}\"")),
    }
}

/// Returns a variant of an enum with its content.
fn variant(name: &str, content: &str) -> String {
    match Tag::of_key(name) {
        Some(tag) => escaped(tag, content),
        None => {
            let mut json = String::from("{");
            push_string(&mut json, name);
            json.push(':');
            json.push_str(content);
            json.push('}');
            json
        }
    }
}

pub(crate) struct Variant<C> {
    name: &'static str,
    content: C,
}

impl SerializeSeq for List {
    type Ok = String;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<String> {
        Ok(self.json())
    }
}

impl SerializeTuple for List {
    type Ok = String;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<String> {
        Ok(self.json())
    }
}

impl SerializeTupleStruct for List {
    type Ok = String;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<String> {
        Ok(self.json())
    }
}

impl SerializeTupleVariant for Variant<List> {
    type Ok = String;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.content.push(value)
    }

    fn end(self) -> Result<String> {
        Ok(variant(self.name, &self.content.json()))
    }
}

impl SerializeMap for Dict {
    type Ok = String;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = self::key(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = std::mem::take(&mut self.key);
        self.push(key, value)
    }

    fn end(self) -> Result<String> {
        self.json()
    }
}

impl SerializeStruct for Dict {
    type Ok = String;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        self.push(key(name)?, value)
    }

    fn end(self) -> Result<String> {
        self.json()
    }
}

impl SerializeStructVariant for Variant<Dict> {
    type Ok = String;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        self.content.push(key(name)?, value)
    }

    fn end(self) -> Result<String> {
        Ok(variant(self.name, &self.content.json()?))
    }
}
