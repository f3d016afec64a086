//! Keys that are replaced while the server runs, with a count of the uses of each.

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
use crate::events::{KeyCounter, event};

/// A handle on the keys of a backend: replaces them while the server runs, and counts the tokens of
/// each.
///
/// Clones are handles on the same keys. Constructors that take keys accept a handle, a [`KeyRing`]
/// or a [`SecretKey`]; the backend's `keys` returns the handle.
///
/// # Changing keys
///
/// In three steps, each in all processes before the next, no client is logged out:
///
/// 1. `KeyRing::new(old).with_next(new)`: all verify the new key, and none signs with it.
/// 2. `KeyRing::new(new).with_fallback(old)`: a token under the old key is replaced in the response.
/// 3. `KeyRing::new(new)`, when [`uses`](Self::uses) counts no more tokens under the fallback, at the
///    latest after `lifetime`.
///
/// With a single process the first step may be left out. With several, the first process to sign with the
/// new key would otherwise log out clients at those that do not know it.
///
/// # Security
///
/// **Remove a leaked key at once, and never make it a fallback:** an attacker who has it can write
/// sessions as long as it verifies. Tokens that were forged under it may have been signed again
/// under later keys, so remove those too: replace the ring by a new key, with fallbacks only from
/// before the leaked key was in use. A request that is running at that moment does not carry its
/// session over; its session has ended ([`SaveError::Gone`](crate::error::SaveError::Gone)).
///
/// # Examples
///
/// ```
/// use sessions::{KeyRing, SecretKey, SharedKeys, SignedCookie};
///
/// let old = SecretKey::generate();
/// let keys = SharedKeys::new(old.clone());
/// let backend = SignedCookie::new(keys.clone());
///
/// // Later, while the server runs, in every process:
/// let new = SecretKey::generate();
/// keys.replace(KeyRing::new(old.clone()).with_next(new.clone()));
/// // When all processes have it:
/// keys.replace(KeyRing::new(new).with_fallback(old));
/// // How many tokens still need the fallback:
/// assert_eq!(keys.uses().fallbacks(), [0]);
/// # let _ = backend;
/// ```
#[derive(Clone)]
pub struct SharedKeys {
    inner: Arc<Inner>,
}

struct Inner {
    ring: ArcSwap<Ring>,
    /// Counts the replacements, each when its ring is in place.
    generation: AtomicU64,
}

/// The current keys, with the count of each since they were set.
pub(crate) struct Ring {
    keys: KeyRing,
    /// The counts, in the order of the keys.
    uses: Box<[AtomicU64]>,
    counters: Box<[KeyCounter]>,
    since: SystemTime,
}

/// How many tokens were verified by each key of a ring. It does not reveal the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUses {
    since: SystemTime,
    /// Invariant: one count for each key of the ring, in its order, and so at least one.
    counts: Vec<u64>,
    has_next: bool,
}

impl SharedKeys {
    /// Returns a handle on these keys.
    pub fn new(ring: impl Into<KeyRing>) -> Self {
        let ring = ArcSwap::from_pointee(Ring::new(ring.into()));
        Self { inner: Arc::new(Inner { ring, generation: AtomicU64::new(0) }) }
    }

    /// Replaces the keys for all handles from the next token on, and restarts the counts.
    ///
    /// Does nothing if the keys and their order are the same.
    pub fn replace(&self, ring: impl Into<KeyRing>) {
        let ring = ring.into();
        if self.ring().keys.same_as(&ring) {
            // Another thread may have replaced them, and not counted that yet.
            self.inner.generation.fetch_add(1, Ordering::Release);
            return;
        }
        event!(
            KeyReplaced,
            key = %ring.current().id(),
            fallbacks = ring.fallbacks().len(),
            has_next = ring.next_key().is_some(),
            "the keys are replaced"
        );
        self.inner.ring.store(Arc::new(Ring::new(ring)));
        self.inner.generation.fetch_add(1, Ordering::Release);
    }

    /// Returns how many session tokens each key has verified since the keys were set or replaced. A
    /// browser that sends one token with ten requests counts as ten.
    pub fn uses(&self) -> KeyUses {
        let ring = self.ring();
        let counts = ring.uses.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        KeyUses { since: ring.since, counts, has_next: ring.keys.next_key().is_some() }
    }

    pub(crate) fn ring(&self) -> arc_swap::Guard<Arc<Ring>> {
        self.inner.ring.load()
    }

    /// Returns how often the keys were replaced. Read it before the [ring](Self::ring): what is derived from the
    /// ring is then at least as new.
    pub(crate) fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }
}

impl Ring {
    fn new(keys: KeyRing) -> Self {
        let uses = keys.iter().map(|_| AtomicU64::new(0)).collect();
        let counters = keys
            .iter()
            .enumerate()
            .map(|(at, key)| KeyCounter::new(|| key.id(), keys.role(at)))
            .collect();
        Self { keys, uses, counters, since: SystemTime::now() }
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Counts a token of the key at this position.
    pub(crate) fn count(&self, at: usize) {
        self.uses[at].fetch_add(1, Ordering::Relaxed);
        self.counters[at].count();
    }

    /// Returns the key at this position.
    pub(crate) fn key(&self, at: usize) -> &SecretKey {
        self.keys.iter().nth(at).expect("the position is from this ring")
    }

    /// Whether the key at this position is a fallback, whose tokens are to be replaced.
    pub(crate) fn is_fallback(&self, at: usize) -> bool {
        self.keys.is_fallback(at)
    }

    /// Whether this is one of the keys.
    pub(crate) fn has(&self, key: &KeyBytes) -> bool {
        self.keys.iter().any(|own| own.shared().same_as(key))
    }
}

impl KeyUses {
    /// Returns when the counts started.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// Returns how many tokens the current key verified.
    pub fn current(&self) -> u64 {
        self.counts[0]
    }

    /// Returns how many tokens each fallback verified, in the order of the ring.
    pub fn fallbacks(&self) -> &[u64] {
        &self.counts[1..self.counts.len() - usize::from(self.has_next)]
    }

    /// Returns how many tokens the next key verified, if there is one: of processes that sign with it.
    pub fn next_key(&self) -> Option<u64> {
        self.counts.last().copied().filter(|_| self.has_next)
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
    /// Shows the number of keys, like [`KeyRing`], but not their bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedKeys").field(&self.ring().keys).finish()
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.fmt(f)
    }
}
