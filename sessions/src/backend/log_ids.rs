//! The ids of sessions and owners in logs.

use std::sync::{Arc, OnceLock};

use tracing::field::{DisplayValue, display};

use crate::{
    events::{LogId, event},
    key::{LogIdKind, SecretKey, SharedKeys},
    store::{OwnerKey, RecordKey},
};

/// An id as a field of a line.
pub(super) type LogField = Option<DisplayValue<LogId>>;

/// Makes ids under a key that is derived from another.
#[derive(Clone, Debug)]
pub(super) struct LogIds {
    source: Source,
}

/// The key that ids come from.
#[derive(Clone, Debug)]
enum Source {
    /// One that the application has set.
    Fixed(SecretKey),
    /// The current one of a backend.
    Current(SharedKeys),
    /// One of this process, drawn when the first line is written: `None` where the operating system
    /// returned no random bytes.
    Drawn(Arc<OnceLock<Option<SecretKey>>>),
}

impl Default for LogIds {
    fn default() -> Self {
        Self { source: Source::Drawn(Arc::default()) }
    }
}

impl LogIds {
    pub(super) fn fixed(key: SecretKey) -> Self {
        Self { source: Source::Fixed(key) }
    }

    pub(super) fn of(keys: SharedKeys) -> Self {
        Self { source: Source::Current(keys) }
    }

    /// Takes the current one of these keys from now on, unless the application has set one.
    pub(super) fn follow(&mut self, keys: SharedKeys) {
        if !matches!(self.source, Source::Fixed(_)) {
            self.source = Source::Current(keys);
        }
    }

    pub(super) fn session(&self, key: &RecordKey) -> LogField {
        self.id(LogIdKind::Session, key.as_bytes())
    }

    pub(super) fn owner(&self, owner: &OwnerKey) -> LogField {
        self.id(LogIdKind::Owner, owner.as_bytes())
    }

    /// Tells that a login of this owner was refused.
    pub(super) fn tell_login_refused(&self, owner: &OwnerKey) {
        event!(
            LoginRefused,
            reason = "ended",
            owner = self.owner(owner),
            "login refused: its owner's sessions were ended after its request began; to end all others at \
             a login, call `set_owner` and then `end_others`"
        );
    }

    /// Tells that the sessions of this owner are ended: all, or all that began up to a moment.
    pub(super) fn tell_owner_ended(&self, owner: &OwnerKey, spares_one: bool) {
        let reason = if spares_one { "others" } else { "all" };
        let owner = self.owner(owner);
        event!(OwnerEnded, reason = reason, owner, "an owner's sessions are ended");
    }

    fn id(&self, kind: LogIdKind, bytes: &[u8]) -> LogField {
        let id = match &self.source {
            Source::Fixed(key) => key.log_id(kind, bytes),
            Source::Current(keys) => keys.ring().keys().current().log_id(kind, bytes),
            Source::Drawn(drawn) => {
                drawn.get_or_init(|| SecretKey::try_generate().ok()).as_ref()?.log_id(kind, bytes)
            }
        };
        Some(display(id))
    }
}
