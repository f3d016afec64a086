//! Backends that keep the session in its cookie.

mod codec;
mod encrypted;
mod signed;

#[cfg(feature = "flask")]
pub(crate) use self::codec::{CookieSessions, Plaintext, CookieCodec};
pub use self::{encrypted::EncryptedCookie, signed::SignedCookie};
