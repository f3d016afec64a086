//! Tokens: text to bytes and back. Pure functions, the time passed in.

pub(crate) mod signed;
pub(crate) mod split;

pub(crate) use self::signed::CANONICAL;
