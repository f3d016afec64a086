//! Backends that keep the session in its cookie.

mod codec;
mod encrypted;
mod signed;

#[cfg(feature = "flask")]
pub(crate) use self::codec::{CookieCodec, CookieSessions, Plaintext};
pub use self::{encrypted::EncryptedCookie, signed::SignedCookie};
