//! Reads a struct from a snapshot, field by field.
//!
//! serde names the fields of a struct before it reads any, so only those keys are read.

use std::{any::type_name, cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};
use sessions_policy::OnDecodeError;

use super::{Fields, SessionData, Snapshot};
use crate::{
    error::{SessionError, ValueError},
    events::event,
};

/// Reads `T`. Each failed attempt names a field, which the next attempt takes from another source.
pub(super) fn read<T: SessionData>(
    snapshot: &Snapshot,
    on_decode_error: OnDecodeError,
) -> Result<T, SessionError> {
    let mut sources = Sources {
        snapshot,
        defaults: None,
        broken: Vec::new(),
        omitted: Vec::new(),
        incomplete: Cell::new(false),
    };
    loop {
        let err = match T::deserialize(Reader { sources: &sources }) {
            // `T::default()` also fills the fields that serde would fill by itself.
            Ok(_) if sources.incomplete.get() && sources.defaults.is_none() => {
                sources.defaults = Some(Fields::of(&T::default(), snapshot.format())?);
                continue;
            }
            Ok(data) => return Ok(data),
            Err(err) => err,
        };
        match err {
            // The default is built only when a field needs it.
            ReadError::Missing(_) if sources.defaults.is_none() => {
                sources.defaults = Some(Fields::of(&T::default(), snapshot.format())?);
            }
            ReadError::Duplicate { field, key } if !sources.omitted.contains(&key) => {
                // A value that is stored under an alias takes precedence over a default.
                let default = sources.stored(field).is_none() && !sources.omitted.contains(&field);
                sources.omitted.push(if default { field } else { key });
            }
            ReadError::Field { key, source } => {
                if on_decode_error == OnDecodeError::Error || sources.broken.contains(&key) {
                    return Err(SessionError::Decode { key: key.into(), source: source.into() });
                }
                warn_of_default::<T>(key);
                sources.broken.push(key);
                if sources.defaults.is_none() {
                    sources.defaults = Some(Fields::of(&T::default(), snapshot.format())?);
                }
            }
            err if on_decode_error == OnDecodeError::Error => {
                return Err(SessionError::Data { data: type_name::<T>(), source: err.problem() });
            }
            _ => {
                warn_of_default::<T>("(all)");
                return Ok(T::default());
            }
        }
    }
}

/// Logs the names only: a serde error may quote the value.
fn warn_of_default<T>(field: &str) {
    event!(
        SessionDefaulted,
        data = type_name::<T>(),
        field,
        "a field of the session does not parse as its type, so its default is used"
    );
}

/// Checks whether `T` can be the content of a session, given the fields of its default. The error
/// says what to change.
pub(super) fn check<T: SessionData>(defaults: Fields) -> Result<(), String> {
    let reserved = |name: &str| {
        format!(
            "its field `{name}` begins with `_`, which is reserved for the framework's keys; rename it"
        )
    };
    if let Some(name) = defaults.names().find(|name| name.starts_with('_')) {
        return Err(reserved(name));
    }
    let empty = Snapshot::default();
    let sources = Sources {
        snapshot: &empty,
        defaults: Some(defaults),
        broken: Vec::new(),
        omitted: Vec::new(),
        incomplete: Cell::new(false),
    };
    match T::deserialize(Reader { sources: &sources }) {
        Err(ReadError::Shape) => {
            Err("it does not deserialise as a struct with named fields, or a \
             `#[serde(flatten)]` field reads every key; name its fields"
                .to_owned())
        }
        Err(ReadError::Reserved(name)) => Err(reserved(name)),
        // Such as a list that `skip_serializing_if` leaves out while it is empty.
        Err(ReadError::Missing(name)) => Err(format!(
            "its default is written without the field `{name}`, so an empty session cannot be read; add \
             `#[serde(default)]` to the struct"
        )),
        _ => Ok(()),
    }
}

/// Where the value of each field comes from.
struct Sources<'d> {
    snapshot: &'d Snapshot,
    /// For fields that are not stored or do not parse.
    defaults: Option<Fields>,
    /// Fields whose stored value does not parse.
    broken: Vec<&'static str>,
    /// Keys that are skipped, since their field has a value under another name.
    omitted: Vec<&'static str>,
    /// Whether serde asked for a field that is not stored.
    incomplete: Cell<bool>,
}

impl Sources<'_> {
    fn get(&self, field: &'static str) -> Option<&str> {
        if self.omitted.contains(&field) {
            return None;
        }
        self.stored(field).or_else(|| {
            self.incomplete.set(true);
            self.defaults.as_ref()?.get(field)
        })
    }

    fn stored(&self, field: &'static str) -> Option<&str> {
        self.snapshot.get(field).filter(|_| !self.broken.contains(&field))
    }
}

#[derive(Debug)]
enum ReadError {
    /// A required field is missing.
    Missing(&'static str),
    /// A field has two values; the second is under this key.
    Duplicate {
        field: &'static str,
        key: &'static str,
    },
    /// The value under this key does not parse as the field's type.
    Field {
        key: &'static str,
        source: serde_json::Error,
    },
    /// A field has a name that is reserved for the framework.
    Reserved(&'static str),
    /// The type does not deserialise as a struct with named fields.
    Shape,
    Other(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "missing field `{field}`"),
            Self::Duplicate { key, .. } => {
                write!(f, "`{key}` is another name of a field that has a value already")
            }
            Self::Field { key, .. } => write!(f, "the value of `{key}` does not parse as its type"),
            Self::Reserved(field) => write!(f, "the name `{field}` is reserved for the framework"),
            Self::Shape => f.write_str("expected a struct with named fields"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

impl ReadError {
    /// Says what is wrong without serde's message, which may quote a value.
    fn problem(self) -> ValueError {
        match self {
            Self::Field { source, .. } => source.into(),
            Self::Missing(field) => ValueError::new(format!("the field `{field}` is missing")),
            Self::Duplicate { key, .. } => ValueError::new(format!(
                "`{key}` is another name of a field that has a value already"
            )),
            Self::Reserved(field) => {
                ValueError::new(format!("the name `{field}` is reserved for the framework"))
            }
            Self::Shape => ValueError::new("it is not a struct with named fields"),
            Self::Other(_) => ValueError::new("its type does not accept the values"),
        }
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::Other(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate { field, key: field }
    }
}

struct Reader<'s, 'd> {
    sources: &'s Sources<'d>,
}

impl<'s> Deserializer<'s> for Reader<'s, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'s>>(self, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::Shape)
    }

    fn deserialize_struct<V: Visitor<'s>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if let Some(reserved) = fields.iter().find(|field| field.starts_with('_')) {
            return Err(ReadError::Reserved(reserved));
        }
        let mut access =
            FieldAccess { sources: self.sources, fields: fields.iter(), current: None };
        let result = visitor.visit_map(&mut access);
        // serde names the field but not the alias; the current key is the second of its names.
        match (result, access.current) {
            (Err(ReadError::Duplicate { field, .. }), Some((key, _))) => {
                Err(ReadError::Duplicate { field, key })
            }
            (result, _) => result,
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'s>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'s>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct FieldAccess<'s, 'd> {
    sources: &'s Sources<'d>,
    fields: std::slice::Iter<'static, &'static str>,
    current: Option<(&'static str, &'s str)>,
}

impl<'s> MapAccess<'s> for &mut FieldAccess<'s, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'s>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let sources: &'s Sources<'_> = self.sources;
        self.current = self.fields.find_map(|field| Some((*field, sources.get(field)?)));
        let Some((field, _)) = self.current else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'s>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, json) = self.current.expect("serde asks for a value after its key");
        let format = self.sources.snapshot.format();
        format.read(seed, json).map_err(|source| ReadError::Field { key, source })
    }
}
