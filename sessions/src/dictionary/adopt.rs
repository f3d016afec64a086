//! Taking over a session from elsewhere.

use std::time::SystemTime;

use super::{Dictionary, OWNER, json::quoted, state::Adopted};

impl Dictionary {
    /// Sets whose session it is, of one that is to be adopted.
    pub(crate) fn put_owner(&mut self, owner: &str) {
        self.put(OWNER, quoted(owner));
    }

    /// Makes this new session the one that was kept elsewhere, `since` when its owner logged in if
    /// that is known. It is to be saved here with this request. What a backend attached stays.
    pub(crate) fn adopt(&mut self, content: &Self, since: Option<SystemTime>) {
        let opened = Self::from_json(content.to_json()).expect("it reads what it writes");
        self.inner.payload = opened.inner.payload;
        self.inner.entries = opened.inner.entries;
        self.inner.revision += 1;
        self.forget_changes();
        self.inner.state.adopt(Adopted { since });
    }
}
