//! The result of `Session::save_now`.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{error::SessionError, interface::SessionContent, state::SessionState};

/// The result of [`Session::save_now`](crate::Session::save_now), with the stored values.
///
/// With a server-side store they may differ from what the handler saw: if another request saved
/// first, an `update` ran again on its result.
pub struct SavedSession {
    outcome: SaveOutcome,
    stored: SessionState,
}

/// What saving did to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaveOutcome {
    /// The session is saved.
    Saved,
    /// The session was purged or emptied, and its cookie is removed or set to an empty session.
    Removed,
    /// There was nothing to save.
    Unchanged,
}

impl SavedSession {
    pub(crate) fn new(
        outcome: SaveOutcome,
        content: &impl SessionContent,
        stored: Option<String>,
    ) -> Self {
        let json = stored.unwrap_or_else(|| content.state().to_json());
        let format = content.state().format();
        let stored = SessionState::from_json(json).unwrap_or_default().in_format(format);
        Self { outcome, stored }
    }

    /// Returns what saving did to the session.
    pub fn outcome(&self) -> SaveOutcome {
        self.outcome
    }

    /// Returns the value stored under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value does not deserialise as `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.stored.get(key)
    }

    /// Returns all keys with their values, as JSON.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when another program wrote a value that `serde_json` cannot read.
    pub fn entries(&self) -> Result<Map<String, Value>, SessionError> {
        let format = self.stored.format();
        let entry = |(key, json): (&str, &str)| Ok((key.to_owned(), format.decode(key, json)?));
        self.stored.iter().map(entry).collect()
    }
}

impl fmt::Debug for SavedSession {
    /// Shows neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedSession").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}
