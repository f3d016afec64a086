//! The members that a request added.

use std::{
    collections::{BTreeMap, btree_map},
    mem, slice,
};

use super::limits::{member_len, quoted_len};

/// Up to so many keys are in a list, which costs less than a tree. In a longer one, each new key would move
/// half of the others.
const FEW: usize = 16;

/// A member that this request added.
pub(super) struct Added {
    pub(super) json: String,
    /// The revision of the dictionary before that: added members are written in this order.
    pub(super) since: u64,
    quoted_key: usize,
}

impl Added {
    pub(super) fn new(key: &str, json: String, since: u64) -> Self {
        Self { json, since, quoted_key: quoted_len(key) }
    }

    /// Sets the value, and returns the member as it was.
    pub(super) fn replace(&mut self, json: String) -> Self {
        mem::replace(self, Self { json, ..*self })
    }

    /// Returns the bytes of the member.
    pub(super) fn len(&self) -> usize {
        member_len(self.quoted_key, self.json.len())
    }

    /// Whether this key, which is the member's own, needs no escape.
    pub(super) fn is_plain(&self, key: &str) -> bool {
        self.quoted_key == key.len() + "\"\"".len()
    }
}

/// The added members, by key.
#[derive(Default)]
pub(super) struct AddedMembers {
    /// Invariant: sorted by key, each key once, and empty if `many` is not.
    few: Vec<(Box<str>, Added)>,
    many: BTreeMap<Box<str>, Added>,
}

impl AddedMembers {
    pub(super) fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&Added> {
        match self.position(key) {
            Ok(at) => Some(&self.few[at].1),
            Err(_) => self.many.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Added> {
        match self.position(key) {
            Ok(at) => Some(&mut self.few[at].1),
            Err(_) => self.many.get_mut(key),
        }
    }

    /// Sets the member of a key, whether or not it has one.
    pub(super) fn insert(&mut self, key: &str, added: Added) {
        if !self.many.is_empty() {
            self.many.insert(key.into(), added);
            return;
        }
        match self.position(key) {
            Ok(at) => self.few[at].1 = added,
            Err(at) if self.few.len() < FEW => self.few.insert(at, (key.into(), added)),
            Err(_) => {
                self.many.extend(self.few.drain(..).chain([(key.into(), added)]));
            }
        }
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Added> {
        match self.position(key) {
            Ok(at) => Some(self.few.remove(at).1),
            Err(_) => self.many.remove(key),
        }
    }

    /// Removes the members for whose keys `keep` returns `false`.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.few.retain(|(key, _)| keep(key));
        self.many.retain(|key, _| keep(key));
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the members, sorted by key.
    pub(super) fn iter(&self) -> Iter<'_> {
        if self.many.is_empty() { Iter::Few(self.few.iter()) } else { Iter::Many(self.many.iter()) }
    }

    /// Whether `is_meant` returns `true` for one of the keys.
    pub(super) fn has_any(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.few.iter().any(|(key, _)| is_meant(key)) || self.many.keys().any(|key| is_meant(key))
    }

    /// Returns where a key is among the few, or where it belongs.
    fn position(&self, key: &str) -> Result<usize, usize> {
        self.few.binary_search_by(|(present, _)| (**present).cmp(key))
    }
}

/// The added members, sorted by key.
pub(super) enum Iter<'d> {
    Few(slice::Iter<'d, (Box<str>, Added)>),
    Many(btree_map::Iter<'d, Box<str>, Added>),
}

impl<'d> Iterator for Iter<'d> {
    type Item = (&'d str, &'d Added);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(few) => few.next().map(|(key, added)| (&**key, added)),
            Self::Many(many) => many.next().map(|(key, added)| (&**key, added)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Added, AddedMembers, BTreeMap, FEW};

    #[test]
    fn few_and_many_members_are_kept_as_a_map_keeps_them() {
        let (mut members, mut map) = (AddedMembers::default(), BTreeMap::new());
        let mut state = 7_u64;
        for step in 0..20_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Grows beyond the list and becomes empty again.
            let keys = if step / 1_000 % 2 == 0 { 3 * FEW as u64 } else { 4 };
            let key = ((state >> 33) % keys).to_string();
            match (state >> 40) % 9 {
                0 => {
                    let removed = members.remove(&key).map(|added| added.json);
                    assert_eq!(removed, map.remove(&key));
                }
                1 => {
                    if let (Some(added), Some(json)) = (members.get_mut(&key), map.get_mut(&key)) {
                        added.json.push('0');
                        json.push('0');
                    }
                }
                2 if step % 500 == 0 => {
                    members.retain(|present| *present != *key);
                    map.retain(|present, _| *present != key);
                }
                3 if step % 700 == 0 => {
                    members.clear();
                    map.clear();
                }
                _ => {
                    members.insert(&key, Added::new(&key, step.to_string(), step));
                    map.insert(key.clone(), step.to_string());
                }
            }
            assert_eq!(members.get(&key).map(|added| &added.json), map.get(&key));
            assert_eq!(members.len(), map.len());
            let all = members.iter().map(|(key, added)| (key, &*added.json));
            assert!(all.eq(map.iter().map(|(key, json)| (&**key, &**json))));
        }
    }
}
