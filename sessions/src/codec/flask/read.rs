//! Reads values as Flask does: a tagged value as the type of its tag.
//!
//! For an ordinary type the tag is skipped: a tuple reads as a sequence, Markup as a string. The
//! wrappers ask for their tag by name, to distinguish types that JSON cannot.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
        VariantAccess, Visitor, value::SeqDeserializer,
    },
};
use serde_json::{Error, error::Result};

use super::{
    map_key::MapKey,
    tag::{self, Tag},
};
use crate::codec::json_scan;

/// The deserialiser of one value, which skips tags.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'t> {
    text: &'t str,
}

/// A deserialiser that shows tags as variants of an enum, for `Value`.
struct TagReader<'t>(Reader<'t>);

enum Shape<'t> {
    /// A tag with its content, except the tag of escaped dictionaries.
    Tagged(Tag, &'t str),
    Dict(Members<'t>),
    List(Elements<'t>),
    Scalar,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text: text.trim_ascii() }
    }

    fn shape(self) -> Result<Shape<'t>> {
        let no_json = || Error::custom("the value is not valid JSON");
        match self.text.as_bytes().first() {
            Some(b'{') => {
                let members = json_scan::member_list(self.text).ok_or_else(no_json)?;
                Shape::of_members(self.text, &members)
            }
            Some(b'[') => {
                let elements = json_scan::elements(self.text).ok_or_else(no_json)?;
                Ok(Shape::List(Elements { text: self.text, elements: elements.into_iter() }))
            }
            _ => Ok(Shape::Scalar),
        }
    }

    /// Returns the content of a tagged value, or the whole text without a tag.
    fn untagged(self) -> Result<&'t str> {
        Ok(match self.shape()? {
            Shape::Tagged(_, inner) => inner,
            _ => self.text,
        })
    }

    fn bytes(text: &str) -> Result<Vec<u8>> {
        let base64: String = serde_json::from_str(text)?;
        STANDARD.decode(base64).map_err(|_| Error::custom("the bytes are not in base64"))
    }
}

impl<'t> Shape<'t> {
    fn of_members(text: &'t str, members: &[json_scan::Member]) -> Result<Self> {
        let members: Vec<_> = members
            .iter()
            .map(|member| Ok((MapKey::new(text, member)?, &text[member.value.clone()])))
            .collect::<Result<_>>()?;
        let tagged = match members.as_slice() {
            [(key, value)] => Tag::of_key(key.as_str()).map(|tag| (tag, *value)),
            _ => None,
        };
        match tagged {
            Some((Tag::Dict, value)) => Self::of_escaped(value),
            Some((tag, value)) => Ok(Self::Tagged(tag, value)),
            None => Ok(Self::Dict(Members::new(members))),
        }
    }

    /// Reads an escaped dictionary.
    fn of_escaped(text: &'t str) -> Result<Self> {
        let members = json_scan::member_list(text).unwrap_or_default();
        if let [member] = members.as_slice()
            && let Some(key) = MapKey::new(text, member)?.without_suffix("__")
        {
            return Ok(Self::Dict(Members::new(vec![(key, &text[member.value.clone()])])));
        }
        Err(Error::custom("the tag ` di` needs a dictionary with one key that ends in `__`"))
    }
}

/// Runs a deserialiser of `serde_json` on a text, which it must read to the end.
fn read_all<'t, T>(
    text: &'t str,
    read: impl FnOnce(&mut serde_json::Deserializer<serde_json::de::StrRead<'t>>) -> Result<T>,
) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Whether this is an integer of more than 64 bits.
fn is_long_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<i64>().is_err()
        && text.parse::<u64>().is_err()
}

/// Reads a scalar, or the string of a tag.
macro_rules! scalars {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
                let text = self.untagged()?;
                read_all(text, |reader| reader.$method(visitor))
            }
        )*
    };
}

impl<'t> Deserializer<'t> for Reader<'t> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        match self.shape()? {
            Shape::Tagged(_, inner) => Reader::new(inner).deserialize_any(visitor),
            Shape::Dict(members) => visitor.visit_map(members),
            Shape::List(elements) => visitor.visit_seq(elements),
            Shape::Scalar if is_long_integer(self.text) => {
                Err(Error::custom("the integer has more than 64 bits"))
            }
            Shape::Scalar => read_all(self.text, |reader| reader.deserialize_any(visitor)),
        }
    }

    scalars! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_identifier
        deserialize_unit
    }

    fn deserialize_bytes<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        match self.shape()? {
            Shape::Tagged(Tag::Bytes, text) => visitor.visit_byte_buf(Self::bytes(text)?),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        match self.shape()? {
            Shape::Tagged(Tag::Bytes, text) => {
                visitor.visit_seq(SeqDeserializer::new(Self::bytes(text)?.into_iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        if self.text == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        if name == tag::VALUE {
            return visitor.visit_newtype_struct(TagReader(self));
        }
        if name.starts_with("$serde_json::private::") {
            return read_all(self.text, |reader| reader.deserialize_newtype_struct(name, visitor));
        }
        match (Tag::of_wrapper(name), self.shape()?) {
            (Some(wanted), Shape::Tagged(tag, text)) if wanted == tag => {
                visitor.visit_newtype_struct(Reader::new(text))
            }
            (Some(_), Shape::Tagged(..)) => Err(Error::custom("the value has another tag")),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.shape()? {
            Shape::Dict(mut members) if members.len() == 1 => visitor.visit_enum(members.take()),
            _ => {
                let text = self.untagged()?;
                read_all(text, |reader| reader.deserialize_enum(name, variants, visitor))
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }

    /// Skips the value without parsing it: it may be one that Rust cannot represent.
    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }
}

impl<'t> Deserializer<'t> for TagReader<'t> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value> {
        match self.0.shape()? {
            Shape::Tagged(tag, text) => {
                visitor.visit_enum(Variant { name: MapKey::from(tag.key()), text })
            }
            _ => self.0.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Elements<'t> {
    text: &'t str,
    elements: std::vec::IntoIter<Range<usize>>,
}

impl<'t> SeqAccess<'t> for Elements<'t> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let text = self.text;
        self.elements.next().map(|range| seed.deserialize(Reader::new(&text[range]))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

struct Members<'t> {
    members: std::vec::IntoIter<(MapKey<'t>, &'t str)>,
    value: &'t str,
}

impl<'t> Members<'t> {
    fn new(members: Vec<(MapKey<'t>, &'t str)>) -> Self {
        Self { members: members.into_iter(), value: "" }
    }

    fn len(&self) -> usize {
        self.members.len()
    }

    /// Takes the only member as a variant.
    fn take(&mut self) -> Variant<'t> {
        let (name, text) = self.members.next().expect("the caller checked that there is one");
        Variant { name, text }
    }
}

impl<'t> MapAccess<'t> for Members<'t> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some((key, value)) = self.members.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(Reader::new(self.value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

/// A variant of an enum, or a tag, with its content.
struct Variant<'t> {
    name: MapKey<'t>,
    text: &'t str,
}

impl<'t> EnumAccess<'t> for Variant<'t> {
    type Error = Error;
    type Variant = Reader<'t>;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Reader<'t>)> {
        let name: MapKey<'t> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Reader::new(self.text)))
    }
}

impl<'t> VariantAccess<'t> for Reader<'t> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }
}
