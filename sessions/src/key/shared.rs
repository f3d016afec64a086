//! Keys that are replaced while the server runs, and how much each of them is still used.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;

use super::{KeyBytes, KeyRing, SecretKey};

/// A handle on the keys of a backend: replaces them while the server runs, and counts the tokens
/// that come in under each.
///
/// Clones are handles on the same keys. Whatever takes keys takes a handle too; a [`SecretKey`] or
/// a [`KeyRing`] becomes one, and the backend's `keys` returns it.
///
/// A change of keys logs nobody out as long as the former key stays in the ring as a fallback: a
/// token under it gets a new one in the response. Once [`uses`](Self::uses) shows that none come in
/// any more, at the latest after `lifetime`, the fallback can go.
///
/// # Security
///
/// **A key that has leaked is removed at once, and never made a fallback:** whoever has it writes
/// sessions for as long as it verifies. Tokens forged under it may have been signed anew under the
/// keys that came after it, so those go too: replace the ring by a new key, with as fallbacks only
/// keys that were out of use before the leaked one was taken into use. A request that is under way
/// meanwhile does not carry its session over: that has ended
/// ([`SaveError::Gone`](crate::error::SaveError::Gone)).
///
/// # Examples
///
/// ```
/// use sessions::{KeyRing, SecretKey, SharedKeys, SignedCookie};
///
/// let former = SecretKey::generate();
/// let keys = SharedKeys::new(former.clone());
/// let backend = SignedCookie::new(keys.clone());
///
/// // Later, while the server runs:
/// keys.replace(KeyRing::new(SecretKey::generate()).with_fallback(former));
/// // And when to drop the fallback:
/// assert_eq!(keys.uses().fallbacks(), [0]);
/// # let _ = backend;
/// ```
#[derive(Clone)]
pub struct SharedKeys {
    ring: Arc<ArcSwap<Ring>>,
}

/// The keys that hold now, with what is counted since they do.
pub(crate) struct Ring {
    keys: KeyRing,
    /// In the order of the keys.
    uses: Box<[AtomicU64]>,
    since: SystemTime,
}

/// How many tokens have come in under each key of a ring. Tells nothing of the keys themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUses {
    since: SystemTime,
    /// In the order of the ring, which has one key at least.
    counts: Vec<u64>,
}

impl SharedKeys {
    /// Returns a handle on these keys.
    pub fn new(ring: impl Into<KeyRing>) -> Self {
        Self { ring: Arc::new(ArcSwap::from_pointee(Ring::new(ring.into()))) }
    }

    /// Replaces the keys, for all who have a handle on them, from the next token on. Counts anew.
    ///
    /// The same keys in the same order change nothing.
    pub fn replace(&self, ring: impl Into<KeyRing>) {
        let ring = ring.into();
        if self.ring.load().keys.is(&ring) {
            return;
        }
        tracing::info!(target: "sessions", fallbacks = ring.fallbacks().len(), "the keys are replaced");
        self.ring.store(Arc::new(Ring::new(ring)));
    }

    /// Returns how many tokens of sessions have come in under each key since the keys were set or
    /// replaced. A browser that sends one token with ten requests counts as ten.
    pub fn uses(&self) -> KeyUses {
        let ring = self.ring.load();
        let counts = ring.uses.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        KeyUses { since: ring.since, counts }
    }

    pub(crate) fn ring(&self) -> arc_swap::Guard<Arc<Ring>> {
        self.ring.load()
    }
}

impl Ring {
    fn new(keys: KeyRing) -> Self {
        let uses = keys.iter().map(|_| AtomicU64::new(0)).collect();
        Self { keys, uses, since: SystemTime::now() }
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Counts a token under the key at this place.
    pub(crate) fn count(&self, at: usize) {
        self.uses[at].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the key at this place.
    pub(crate) fn key(&self, at: usize) -> &SecretKey {
        self.keys.iter().nth(at).expect("a place in a ring has a key")
    }

    /// Whether this is one of the keys.
    pub(crate) fn has(&self, key: &KeyBytes) -> bool {
        self.keys.iter().any(|mine| mine.shared().is(key))
    }
}

impl KeyUses {
    /// Returns since when is counted.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// Returns how many came in under the key that signs.
    pub fn current(&self) -> u64 {
        self.counts[0]
    }

    /// Returns how many came in under each fallback, in the order of the ring.
    pub fn fallbacks(&self) -> &[u64] {
        &self.counts[1..]
    }
}

impl From<KeyRing> for SharedKeys {
    fn from(ring: KeyRing) -> Self {
        Self::new(ring)
    }
}

impl From<SecretKey> for SharedKeys {
    fn from(key: SecretKey) -> Self {
        Self::new(key)
    }
}

impl fmt::Debug for SharedKeys {
    /// Shows what [`KeyRing`] shows of itself: types, and how many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedKeys").field(&self.ring.load().keys).finish()
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.fmt(f)
    }
}
