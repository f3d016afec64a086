//! Backends that keep the session in its cookie.

mod codec;
mod encrypted;
mod signed;

#[cfg(feature = "flask")]
pub(crate) use self::codec::{InCookie, Plaintext, Seal};
pub use self::{encrypted::EncryptedCookie, signed::SignedCookie};
