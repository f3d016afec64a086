//! One session for a Flask and an Actix application (feature `flask`).

pub(crate) mod canonical;
mod tag;

pub use crate::{
    backend::FlaskCookie,
    token::flask::{Digest, KeyDerivation},
};
