//! Tokens: text to bytes and back. Pure functions, the time passed in.

#[cfg(feature = "flask")]
pub(crate) mod flask;
#[cfg(test)]
mod flipped;
#[cfg(test)]
mod known_answers;
pub(crate) mod sealed;
pub(crate) mod signed;
pub(crate) mod split;

/// Room for a cookie's name and attributes, which are written around the token.
const COOKIE_ROOM: usize = 192;
