//! One session of an owner, and which of them is the current one.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::de::DeserializeOwned;

use super::open::LoadState;
use crate::{
    error::SessionError,
    session::{Session, SessionSelector},
    state::{LOGIN, SessionState},
    store::{Loaded, OwnerKey, RecordKey},
};

/// One session of an owner, as [`ServerSide::sessions_of`](crate::ServerSide::sessions_of) found it.
pub struct OwnedSession {
    pub(super) key: RecordKey,
    pub(super) owner: OwnerKey,
    created: SystemTime,
    last_seen: SystemTime,
    content: SessionState,
}

impl OwnedSession {
    /// Returns `None` when what is kept is not a session.
    pub(super) fn of(key: RecordKey, owner: OwnerKey, loaded: Loaded) -> Option<Self> {
        let Loaded { record, expires_in, now, .. } = loaded;
        let unused_for = Duration::from_secs(record.ttl_secs).saturating_sub(expires_in);
        Some(Self {
            key,
            owner,
            created: record.created(),
            last_seen: now.before(unused_for).time().max(record.created()),
            content: SessionState::from_shared(Arc::clone(&record.payload)).ok()?,
        })
    }

    /// Returns when the owner logged in with it.
    pub fn created(&self) -> SystemTime {
        self.created
    }

    /// Returns when it was last used, to the `touch_interval`: 60 seconds by default.
    pub fn last_seen(&self) -> SystemTime {
        self.last_seen
    }

    /// Whether it is this request's session.
    pub fn is_current<I: SessionSelector>(&self, session: &Session<I>) -> bool {
        current_key(session) == Some(self.key)
    }

    /// Returns the value under `key`, for example the name of the device.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.content.get(key)
    }

    /// Returns the note about its login, from [`Session::set_owner_with`].
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the note is not an `N`.
    pub fn login_note<N: DeserializeOwned>(&self) -> Result<Option<N>, SessionError> {
        self.content.get(LOGIN)
    }

    /// Returns an id that forms can hold, for
    /// [`ServerSide::end_by_id`](crate::ServerSide::end_by_id): the session's key in the store, from
    /// which no token can be made.
    pub fn id(&self) -> String {
        self.key.to_string()
    }
}

impl fmt::Debug for OwnedSession {
    /// Shows when it was used, not its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSession")
            .field("created", &self.created)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

/// Returns the key of this request's session, if it has a record.
pub(super) fn current_key<I: SessionSelector>(session: &Session<I>) -> Option<RecordKey> {
    session.peek(|state| {
        let opened = state.extensions().get::<LoadState>()?;
        let is_saved = opened.saved.get().is_some();
        opened.current().filter(|_| is_saved || !state.is_new()).map(|record| record.key)
    })
}
