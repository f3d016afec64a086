//! Flask's JSON: tags for Python's types, in Python's spelling.

pub(crate) mod canonical;
mod date_time;
mod map_key;
mod number;
mod read;
pub(crate) mod tag;
mod text;
mod uuid;
mod value;
mod wrappers;
mod write;

pub use self::{
    date_time::{DateTime, DateTimeError},
    uuid::{Uuid, UuidError},
    value::Value,
    wrappers::{Bytes, Markup, Tuple},
};
pub(crate) use self::{read::Reader, write::to_json};
