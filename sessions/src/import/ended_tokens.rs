//! Legacy cookies whose sessions ended a moment ago, so that a concurrent request does not import
//! them.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};

/// How long a cookie is remembered: longer than a request runs.
const REMEMBERED: Duration = Duration::from_secs(60);
const MAX_REMEMBERED: usize = 4_096;

/// The hashes of the legacy cookies whose sessions this process ended, oldest first.
#[derive(Debug, Default)]
pub(super) struct EndedTokens(Mutex<VecDeque<([u8; 32], SystemTime)>>);

impl EndedTokens {
    pub(super) fn add<'v>(&self, values: impl Iterator<Item = &'v [u8]>, now: SystemTime) {
        let mut ended = self.lock();
        for value in values {
            if ended.len() == MAX_REMEMBERED {
                ended.pop_front();
            }
            ended.push_back((Sha256::digest(value).into(), now));
        }
    }

    pub(super) fn contains(&self, value: &[u8], now: SystemTime) -> bool {
        let ended = self.lock();
        if ended.is_empty() {
            return false;
        }
        let hash: [u8; 32] = Sha256::digest(value).into();
        ended.iter().any(|(other, at)| {
            *other == hash && now.duration_since(*at).unwrap_or_default() < REMEMBERED
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<([u8; 32], SystemTime)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::{EndedTokens, MAX_REMEMBERED, REMEMBERED};

    #[test]
    fn remembers_so_many_for_so_long() {
        let ended = EndedTokens::default();
        let values: Vec<_> = (0..=MAX_REMEMBERED).map(|n| n.to_string()).collect();
        let mut bytes = values.iter().map(String::as_bytes);
        ended.add(bytes.by_ref().take(2), UNIX_EPOCH);
        assert!(ended.contains(b"0", UNIX_EPOCH) && ended.contains(b"1", UNIX_EPOCH));
        assert!(
            !ended.contains(b"2", UNIX_EPOCH) && !ended.contains(b"0", UNIX_EPOCH + REMEMBERED)
        );
        ended.add(bytes, UNIX_EPOCH);
        assert!(!ended.contains(b"0", UNIX_EPOCH) && ended.contains(b"1", UNIX_EPOCH));
    }
}
