//! The cookie as it stands in headers: bytes in, bytes out. Knows nothing of sessions.

mod request;
mod response;

pub use self::request::CookieValues;
pub(crate) use self::response::{Lifetime, name_of, removal_cookie, set_cookie};
