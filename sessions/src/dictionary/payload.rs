//! The JSON text that a session was opened with.

use std::{ops::Deref, sync::Arc};

/// JSON that this session owns, or that it shares with a store and other requests.
pub(crate) enum Payload {
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
