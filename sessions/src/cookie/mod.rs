//! Cookies in headers: reads `Cookie`, writes `Set-Cookie`. It knows nothing of sessions.

mod request;
mod response;

pub use self::request::CookieValues;
pub(crate) use self::response::{Lifetime, name_of, removal_cookie, set_cookie};
