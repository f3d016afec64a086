//! Tokens: text to bytes and back. Pure functions, the time passed in.

#[cfg(feature = "flask")]
pub(crate) mod flask;
pub(crate) mod signed;
pub(crate) mod split;

pub(crate) use self::signed::CANONICAL;
