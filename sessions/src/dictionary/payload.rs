//! The text that a session was opened with.

use std::{ops::Deref, sync::Arc};

/// JSON: one's own, or what a store and other requests hold as well.
pub(super) enum Payload {
    Own(String),
    Shared(Arc<str>),
}

impl Default for Payload {
    fn default() -> Self {
        Self::Own(String::new())
    }
}

impl Deref for Payload {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Own(json) => json,
            Self::Shared(json) => json,
        }
    }
}
