//! Importing a session of another framework.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Adopted, OWNER, SessionState};
use crate::{dictionary::quoted, store::Timestamp};

impl SessionState {
    /// Sets the owner of a session that is about to be adopted.
    pub(crate) fn put_owner(&mut self, owner: &str) {
        self.inner.dictionary.set_untracked(OWNER, quoted(owner));
    }

    /// Notes when the owner of a session that is about to be adopted logged in. An unknown time is before
    /// anything ended the owner's sessions.
    pub(crate) fn put_owner_since(&mut self, since: Option<SystemTime>) {
        self.set_owner_since(Timestamp::of(since.unwrap_or(UNIX_EPOCH)));
    }

    /// Replaces this new session by an imported one, whose owner logged in at `since` if that is
    /// known, and requests that it is saved. The extensions stay.
    pub(crate) fn adopt(&mut self, state: &Self, since: Option<SystemTime>) {
        self.become_opened(state);
        self.inner.meta.adopted = Some(Adopted { since });
        self.request_refresh();
    }

    /// Replaces this new session by one that was opened otherwise. The extensions stay.
    pub(crate) fn become_opened(&mut self, state: &Self) {
        self.inner.dictionary.replace_opened(&state.inner.dictionary);
        self.inner.meta.opened = true;
    }
}
