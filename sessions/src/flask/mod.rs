//! One session for a Flask and an Actix application (feature `flask`).

mod canonical;
mod date_time;
mod map_key;
mod read;
mod session;
mod tag;
mod uuid;
mod value;
mod wrappers;
mod write;

pub use self::{
    date_time::{DateTime, NoDateTime},
    uuid::{NoUuid, Uuid},
    value::Value,
    wrappers::{Bytes, Markup, Tuple},
};
pub(crate) use self::{
    read::Reader,
    session::{session, unescaped},
    write::to_json,
};
pub use crate::{
    backend::FlaskCookie,
    token::flask::{Digest, KeyDerivation},
};
