//! What a handler learns that had its session saved before the response is made.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{error::SessionError, interface::SessionContent, state::SessionState};

/// What [`Session::save_now`](crate::Session::save_now) came to, with the values that are stored.
///
/// With a server-side store these may differ from what the handler saw: another request may have
/// saved in the meantime, and an `update` then ran again on what that one left.
pub struct SavedSession {
    outcome: SaveOutcome,
    stored: SessionState,
}

/// What became of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaveOutcome {
    /// It is saved.
    Saved,
    /// It has ended: it was purged, or emptied.
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

    /// Returns what became of the session.
    pub fn outcome(&self) -> SaveOutcome {
        self.outcome
    }

    /// Returns the value that is stored under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.stored.get(key)
    }

    /// Returns all keys with their values, as JSON.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when another program wrote a value that is no JSON of ours.
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
