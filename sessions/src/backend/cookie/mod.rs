//! Backends that keep the session in its cookie.

mod codec;
mod decoded;
mod encrypted;
mod sessions;
mod signed;

#[cfg(feature = "flask")]
pub(crate) use self::{
    codec::{CookieCodec, Plaintext},
    sessions::CookieSessions,
};
pub use self::{
    decoded::{DecodedToken, TokenError, TokenScope},
    encrypted::EncryptedCookie,
    signed::SignedCookie,
};
