//! Importing a session of another framework.

use std::time::SystemTime;

use super::{Adopted, OWNER, SessionState};
use crate::dictionary::quoted;

impl SessionState {
    /// Sets the owner of a session that is about to be adopted.
    pub(crate) fn put_owner(&mut self, owner: &str) {
        self.inner.dictionary.set_untracked(OWNER, quoted(owner));
    }

    /// Replaces this new session by an imported one, whose owner logged in at `since` if that is
    /// known, and requests that it is saved. The extensions stay.
    pub(crate) fn adopt(&mut self, state: &Self, since: Option<SystemTime>) {
        self.inner.dictionary.replace_opened(&state.inner.dictionary);
        let meta = &mut self.inner.meta;
        meta.adopted = Some(Adopted { since });
        meta.opened = true;
        meta.refresh = true;
    }
}
