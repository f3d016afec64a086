//! Text formats, as pure functions that know nothing of sessions.

pub(crate) mod base64url;
pub(crate) mod constant_time;
pub(crate) mod finite;
#[cfg(feature = "flask")]
pub(crate) mod flask;
pub(crate) mod json_scan;
mod same_value;
pub(crate) mod unicode_escape;

pub(crate) use self::{base64url::CANONICAL, constant_time::same_bytes, same_value::same_value};
