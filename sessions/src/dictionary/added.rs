//! The members that a request added.

use std::{
    collections::{BTreeMap, btree_map},
    mem, slice,
};

use super::member::Member;

/// Up to so many keys are in a list, which costs less than a tree. In a longer one, each new key would move
/// half of the others. A tree stays one until it is empty.
const FEW: usize = 16;

/// A member that this request added.
pub(super) struct Added {
    pub(super) member: Member,
    /// The revision of the dictionary before that: added members are written in this order.
    pub(super) since: u64,
    /// The key, if it is written with escapes.
    escaped_key: Option<Box<str>>,
}

impl Added {
    pub(super) fn new(key: &str, member: Member, since: u64) -> Self {
        let escaped_key = (!member.is_plain(key)).then(|| key.into());
        Self { member, since, escaped_key }
    }

    pub(super) fn key(&self) -> &str {
        self.escaped_key.as_deref().unwrap_or_else(|| self.member.plain_key())
    }

    /// Returns the bytes of the member, with a comma.
    pub(super) fn len(&self) -> usize {
        self.member.text().len() + ",".len()
    }

    /// Sets the member, and returns the one before.
    pub(super) fn replace(&mut self, member: Member) -> Self {
        let escaped_key = self.escaped_key.clone();
        Self { member: mem::replace(&mut self.member, member), since: self.since, escaped_key }
    }
}

/// The added members, by key.
#[derive(Default)]
pub(super) struct AddedMembers {
    /// Invariant: sorted by key, each key once, and empty if `many` is not.
    few: Vec<Added>,
    many: BTreeMap<Box<str>, Added>,
}

impl AddedMembers {
    pub(super) fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&Added> {
        match self.position(key) {
            Ok(at) => Some(&self.few[at]),
            Err(_) => self.many.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Added> {
        match self.position(key) {
            Ok(at) => Some(&mut self.few[at]),
            Err(_) => self.many.get_mut(key),
        }
    }

    /// Sets the member of a key, whether or not it has one.
    pub(super) fn insert(&mut self, added: Added) {
        if !self.many.is_empty() {
            return self.insert_into_many([added]);
        }
        // Keys often come in order: then the new one goes last, without a search.
        if self.few.last().is_none_or(|last| last.key() < added.key()) && self.few.len() < FEW {
            return self.few.push(added);
        }
        match self.position(added.key()) {
            Ok(at) => self.few[at] = added,
            Err(at) if self.few.len() < FEW => self.few.insert(at, added),
            Err(_) => {
                let few = mem::take(&mut self.few);
                self.insert_into_many(few.into_iter().chain([added]));
            }
        }
    }

    #[cold]
    fn insert_into_many(&mut self, members: impl IntoIterator<Item = Added>) {
        self.many.extend(members.into_iter().map(|added| (added.key().into(), added)));
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Added> {
        match self.position(key) {
            Ok(at) => Some(self.few.remove(at)),
            Err(_) => self.many.remove(key),
        }
    }

    /// Removes the members for whose keys `keep` returns `false`.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.few.retain(|added| keep(added.key()));
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
        self.few.iter().any(|added| is_meant(added.key()))
            || self.many.keys().any(|key| is_meant(key))
    }

    /// Returns where a key is among the few, or where it belongs.
    fn position(&self, key: &str) -> Result<usize, usize> {
        self.few.binary_search_by(|added| added.key().cmp(key))
    }
}

/// The added members, sorted by key.
pub(super) enum Iter<'d> {
    Few(slice::Iter<'d, Added>),
    Many(btree_map::Iter<'d, Box<str>, Added>),
}

impl<'d> Iterator for Iter<'d> {
    type Item = (&'d str, &'d Added);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(few) => few.next().map(|added| (added.key(), added)),
            Self::Many(many) => many.next().map(|(key, added)| (&**key, added)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Added, AddedMembers, BTreeMap, FEW, Member};

    #[test]
    fn few_and_many_members_are_kept_as_a_map_keeps_them() {
        let (mut members, mut map) = (AddedMembers::default(), BTreeMap::new());
        let mut state = 7_u64;
        for step in 0..20_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Grows beyond the list and becomes empty again.
            let keys = if step / 1_000 % 2 == 0 { 3 * FEW as u64 } else { 4 };
            // Every third key is written with an escape.
            let key = (state >> 33) % keys;
            let key = format!("{key}{}", if key.is_multiple_of(3) { "\"" } else { "" });
            match (state >> 40) % 9 {
                0 => {
                    let removed = members.remove(&key).map(|added| added.member.into_value());
                    assert_eq!(removed, map.remove(&key));
                }
                1 => {
                    if let (Some(added), Some(json)) = (members.get_mut(&key), map.get_mut(&key)) {
                        added.member.change_value(|text, _| text.push('0'));
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
                    let member = Member::new(&key, &step.to_string());
                    members.insert(Added::new(&key, member, step));
                    map.insert(key.clone(), step.to_string());
                }
            }
            let value = members.get(&key).map(|added| added.member.value());
            assert_eq!(value, map.get(&key).map(|json| &**json));
            assert_eq!(members.len(), map.len());
            let all = members.iter().map(|(key, added)| (key, added.member.value()));
            assert!(all.eq(map.iter().map(|(key, json)| (&**key, &**json))));
        }
    }
}
