//! Ids for logs and metrics, by a key that is derived from a secret one.

use hkdf::Hkdf;
use sha2::Sha256;

use super::SecretKey;
use crate::events::LogId;

/// Separates this key from others that are derived from the same one.
const MODE: &[u8] = b"sessions.log-id";

/// What an id stands for: equal bytes of two kinds have different ids.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Session,
    Owner,
    /// The key itself.
    Key,
}

impl SecretKey {
    /// Returns the id of these bytes, which cannot be found from it without this key.
    pub(crate) fn log_id(&self, kind: Kind, bytes: &[u8]) -> LogId {
        let kind: &[u8] = match kind {
            Kind::Session => b"session.",
            Kind::Owner => b"owner.",
            Kind::Key => b"key.",
        };
        let mut id = [0; 8];
        Hkdf::<Sha256>::new(Some(MODE), self.bytes())
            .expand_multi_info(&[kind, bytes], &mut id)
            .expect("8 bytes are less than a block of SHA-256");
        LogId(id)
    }

    /// Returns the id of this key.
    pub(super) fn id(&self) -> LogId {
        self.log_id(Kind::Key, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, SecretKey};

    #[test]
    fn ids_depend_on_the_key_the_kind_and_the_bytes() {
        let key = SecretKey::generate();
        let id = key.log_id(Kind::Session, b"record");
        assert_eq!(id, key.log_id(Kind::Session, b"record"));
        assert_ne!(id, key.log_id(Kind::Owner, b"record"));
        assert_ne!(id, key.log_id(Kind::Session, b"another"));
        assert_ne!(id, SecretKey::generate().log_id(Kind::Session, b"record"));
        assert_eq!(id.to_string().len(), 16);
    }
}
