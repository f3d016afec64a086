//! Which keys a dictionary certainly lacks: the framework asks each session for keys of its own, and
//! most sessions have few of them.

/// A Bloom filter of 64 bits with one hash. Removing a key leaves its bit.
#[derive(Clone, Copy, Default)]
pub(super) struct KeyFilter(u64);

impl KeyFilter {
    pub(super) fn add(&mut self, key: &[u8]) {
        self.0 |= bit(key);
    }

    /// Whether the key may have been added. `false` is certain.
    pub(super) fn may_have(self, key: &[u8]) -> bool {
        self.0 & bit(key) != 0
    }
}

/// Returns the bit of a key, from its length and its last byte.
#[inline]
fn bit(key: &[u8]) -> u64 {
    let last = key.last().copied().unwrap_or_default();
    1 << ((key.len() + usize::from(last)) % 64)
}

#[cfg(test)]
mod tests {
    use super::KeyFilter;

    #[test]
    fn a_key_that_was_added_is_never_denied_and_most_others_are() {
        let mut filter = KeyFilter::default();
        assert!(!filter.may_have(b"") && !filter.may_have(b"user"));
        let keys = ["", "user", "csrf_token", "ключ", "_owner"];
        for key in keys {
            filter.add(key.as_bytes());
        }
        assert!(keys.iter().all(|key| filter.may_have(key.as_bytes())));
        let others = (1..=10).flat_map(|length| ('a'..='z').map(move |last| (length, last)));
        let denied = others.map(|(length, last)| format!("{last:>length$}"));
        assert!(denied.filter(|key| !filter.may_have(key.as_bytes())).count() > 200);
    }
}
