//! What is derived from the keys of a ring for each salt, once.

use std::{fmt, ops::Deref, sync::Arc};

use arc_swap::{ArcSwap, Guard};

use super::signed::Rejected;
use crate::key::{Ring, SecretKey, SharedKeys};

/// How many salts are cached: one for each cookie name in use.
const MAX_SALTS: usize = 64;

/// What tokens are bound to besides the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Salt<T> {
    /// The policy `salt`.
    Custom(T),
    /// The kind of token, and the cookie's name: a token for one cookie does not verify in another,
    /// nor as a token of another kind.
    Default(&'static str, T),
}

/// The keys of a ring for one salt.
pub(crate) struct SaltKeys<K> {
    generation: u64,
    ring: Arc<Ring>,
    salt: Salt<String>,
    /// In the order of the ring.
    keys: Box<[K]>,
}

/// The derived keys for the salts in use, of one [`SharedKeys`]: the generations of different ones cannot be
/// compared. Those of a ring that was replaced are dropped at the next
/// use.
pub(crate) struct DerivedKeyCache<K> {
    known: ArcSwap<Vec<Arc<SaltKeys<K>>>>,
}

/// The keys for one salt, borrowed from the cache. Not for holding while something waits: they keep its list.
pub(crate) struct FoundKeys<K> {
    known: Guard<Arc<Vec<Arc<SaltKeys<K>>>>>,
    position: usize,
}

impl<K> FoundKeys<K> {
    /// Returns the keys, for a caller that keeps them.
    pub(crate) fn shared(&self) -> &Arc<SaltKeys<K>> {
        &self.known[self.position]
    }
}

impl<K> Deref for FoundKeys<K> {
    type Target = SaltKeys<K>;

    fn deref(&self) -> &SaltKeys<K> {
        self.shared()
    }
}

impl Salt<&str> {
    fn text(self) -> String {
        match self {
            Self::Custom(text) => text.to_owned(),
            Self::Default(kind, name) => format!("sessions.{kind}.{name}"),
        }
    }

    fn to_owned(self) -> Salt<String> {
        match self {
            Self::Custom(text) => Salt::Custom(text.to_owned()),
            Self::Default(kind, name) => Salt::Default(kind, name.to_owned()),
        }
    }
}

impl Salt<String> {
    fn borrow(&self) -> Salt<&str> {
        match self {
            Self::Custom(text) => Salt::Custom(text),
            Self::Default(kind, name) => Salt::Default(kind, name),
        }
    }
}

impl<K> SaltKeys<K> {
    /// Returns the key that signs.
    pub(crate) fn current(&self) -> &K {
        &self.keys[0]
    }

    /// Tries each key until a token verifies. Returns the position of that key as well.
    pub(crate) fn find<V>(
        &self,
        verify: impl Fn(&K) -> Result<V, Rejected>,
    ) -> Result<(V, usize), Rejected> {
        let mut result = Err(Rejected::Format);
        for (at, key) in self.keys.iter().enumerate() {
            result = verify(key).map(|verified| (verified, at));
            if !matches!(result, Err(Rejected::Signature | Rejected::Seal)) {
                break;
            }
        }
        result
    }

    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    fn is_for(&self, generation: u64, salt: Salt<&str>) -> bool {
        self.generation == generation && self.salt.borrow() == salt
    }
}

impl<K> DerivedKeyCache<K> {
    /// Returns the keys for a salt: without a lock, and without an allocation unless they are new.
    pub(crate) fn get(
        &self,
        keys: &SharedKeys,
        salt: Salt<&str>,
        make: impl Fn(&SecretKey, &str) -> K,
    ) -> FoundKeys<K> {
        let generation = keys.generation();
        let known = self.known.load();
        match known.iter().position(|known| known.is_for(generation, salt)) {
            Some(position) => FoundKeys { known, position },
            None => self.derive(generation, keys, salt, make),
        }
    }

    #[cold]
    fn derive(
        &self,
        generation: u64,
        keys: &SharedKeys,
        salt: Salt<&str>,
        make: impl Fn(&SecretKey, &str) -> K,
    ) -> FoundKeys<K> {
        let (ring, known) = (keys.ring(), self.known.load());
        let text = salt.text();
        let made = Arc::new(SaltKeys {
            generation,
            ring: Arc::clone(&ring),
            salt: salt.to_owned(),
            keys: ring.keys().iter().map(|key| make(key, &text)).collect(),
        });
        // Another thread may do the same at this moment: one result is lost, and derived again later.
        let current = known.iter().filter(|known| known.generation == generation);
        let newest = current.take(MAX_SALTS - 1).cloned();
        let next: Arc<Vec<_>> = Arc::new(std::iter::once(made).chain(newest).collect());
        self.known.store(Arc::clone(&next));
        FoundKeys { known: Guard::from_inner(next), position: 0 }
    }
}

impl<K> Default for DerivedKeyCache<K> {
    fn default() -> Self {
        Self { known: ArcSwap::default() }
    }
}

impl<K> fmt::Debug for DerivedKeyCache<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKeyCache")
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::{Arc, Weak},
    };

    use super::{DerivedKeyCache, MAX_SALTS, Salt, SaltKeys};
    use crate::key::{KeyRing, SecretKey, SharedKeys};

    #[test]
    fn each_salt_is_derived_once() {
        let (cache, keys, made) =
            (DerivedKeyCache::default(), SharedKeys::new(SecretKey::generate()), Cell::new(0));
        let get = |salt: Salt<&str>| {
            let make = |_: &SecretKey, text: &str| {
                made.set(made.get() + 1);
                text.to_owned()
            };
            cache.get(&keys, salt, make).current().clone()
        };
        for _ in 0..3 {
            assert_eq!(get(Salt::Custom("a")), "a");
            assert_eq!(get(Salt::Default("kind", "a")), "sessions.kind.a");
            assert_eq!(get(Salt::Default("other", "a")), "sessions.other.a");
            assert_eq!(get(Salt::Default("kind", "b")), "sessions.kind.b");
        }
        assert_eq!(made.get(), 4);
        for number in 0..1_000 {
            get(Salt::Custom(&number.to_string()));
            get(Salt::Custom(&number.to_string()));
        }
        assert_eq!((made.get(), cache.known.load().len()), (1_004, MAX_SALTS));
    }

    #[test]
    fn keys_of_a_replaced_ring_are_dropped_at_the_next_use() {
        let (cache, keys) = (DerivedKeyCache::default(), SharedKeys::new(SecretKey::generate()));
        let previous: Vec<Weak<SaltKeys<()>>> = ["a", "b"]
            .map(|salt| Arc::downgrade(cache.get(&keys, Salt::Custom(salt), |_, _| ()).shared()))
            .to_vec();
        let ring = Arc::downgrade(&*keys.ring());
        assert!(previous.iter().all(|previous| previous.strong_count() == 1));
        keys.replace(KeyRing::new(SecretKey::generate()));
        cache.get(&keys, Salt::Custom("c"), |_, _| ());
        assert!(previous.iter().all(|previous| previous.strong_count() == 0));
        assert_eq!(ring.strong_count(), 0);
    }
}
