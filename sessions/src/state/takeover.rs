//! Taking over a session from elsewhere.

use std::time::SystemTime;

use super::{Adopted, OWNER, SessionState};
use crate::dictionary::quoted;

impl SessionState {
    /// Sets whose session it is, of one that is to be adopted.
    pub(crate) fn put_owner(&mut self, owner: &str) {
        self.inner.dictionary.put(OWNER, quoted(owner));
    }

    /// Makes this new session the one that was kept elsewhere, `since` when its owner logged in if
    /// that is known. It is to be saved here with this request. The extensions stay.
    pub(crate) fn adopt(&mut self, state: &Self, since: Option<SystemTime>) {
        self.inner.dictionary.replace_opened(&state.inner.dictionary);
        let meta = &mut self.inner.meta;
        meta.adopted = Some(Adopted { since });
        meta.opened = true;
        meta.refresh = true;
    }
}
