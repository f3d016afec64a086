//! Backends that keep the session in its cookie.

mod codec;
mod encrypted;
mod sessions;
mod signed;

#[cfg(feature = "flask")]
pub(crate) use self::{
    codec::{CookieCodec, Plaintext},
    sessions::CookieSessions,
};
pub use self::{encrypted::EncryptedCookie, signed::SignedCookie};
