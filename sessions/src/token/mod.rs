//! The formats of tokens, as pure functions: the time is an argument.

pub(crate) mod aead;
#[cfg(test)]
mod bit_flips;
pub(crate) mod derived_keys;
#[cfg(feature = "flask")]
pub(crate) mod flask;
#[cfg(feature = "flask")]
mod keyed_hash;
#[cfg(test)]
mod known_answers;
pub(crate) mod order;
pub(crate) mod sealed;
pub(crate) mod signed;
pub(crate) mod split;
pub(crate) mod text;
