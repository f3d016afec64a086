//! Events of crates that build on this one.

use std::fmt;

use super::event;

/// Tells that a handler asks for what no middleware offers on its route:
/// [`Event::SessionMisused`](super::Event::SessionMisused). `problem` says what to wrap.
pub fn misused(path: &str, problem: &dyn fmt::Display) {
    event!(SessionMisused, path, "{problem}");
}
