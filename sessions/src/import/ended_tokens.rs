//! Legacy cookies whose sessions ended a moment ago, so that a concurrent request does not import
//! them. For backends without a store: others keep marks.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// How long a cookie is remembered: longer than a request runs.
const REMEMBERED: Duration = Duration::from_secs(60);
const MAX_REMEMBERED: usize = 4_096;

/// The hashes of the legacy cookies whose sessions this process ended, oldest first. Each verified, so that
/// a client without such cookies cannot make it forget them.
#[derive(Debug, Default)]
pub(super) struct EndedTokens(Mutex<VecDeque<([u8; 32], SystemTime)>>);

impl EndedTokens {
    pub(super) fn add(&self, ids: impl Iterator<Item = [u8; 32]>, now: SystemTime) {
        let mut ended = self.lock();
        for id in ids {
            // One client that repeats its logout takes one place.
            ended.retain(|(other, _)| *other != id);
            if ended.len() == MAX_REMEMBERED {
                ended.pop_front();
            }
            ended.push_back((id, now));
        }
    }

    pub(super) fn contains(&self, id: &[u8; 32], now: SystemTime) -> bool {
        self.lock().iter().any(|(other, at)| {
            other == id && now.duration_since(*at).unwrap_or_default() < REMEMBERED
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<([u8; 32], SystemTime)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{iter, time::UNIX_EPOCH};

    use super::{EndedTokens, MAX_REMEMBERED, REMEMBERED};

    fn id(number: usize) -> [u8; 32] {
        std::array::from_fn(|at| number.to_be_bytes().get(at).copied().unwrap_or_default())
    }

    #[test]
    fn remembers_so_many_for_so_long() {
        let ended = EndedTokens::default();
        ended.add((0..2).map(id), UNIX_EPOCH);
        assert!(ended.contains(&id(0), UNIX_EPOCH) && ended.contains(&id(1), UNIX_EPOCH));
        assert!(!ended.contains(&id(2), UNIX_EPOCH));
        assert!(!ended.contains(&id(0), UNIX_EPOCH + REMEMBERED));
        ended.add((2..=MAX_REMEMBERED).map(id), UNIX_EPOCH);
        assert!(!ended.contains(&id(0), UNIX_EPOCH) && ended.contains(&id(1), UNIX_EPOCH));
    }

    #[test]
    fn a_logout_that_is_repeated_takes_one_place() {
        let ended = EndedTokens::default();
        ended.add(iter::once(id(0)), UNIX_EPOCH);
        ended.add(iter::repeat_n(id(1), 2 * MAX_REMEMBERED), UNIX_EPOCH);
        assert!(ended.contains(&id(0), UNIX_EPOCH));
    }
}
