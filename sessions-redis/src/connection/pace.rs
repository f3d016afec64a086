//! How often a connection is given up because its server is not the primary.

use std::time::{Duration, Instant};

/// The pause after a connection was given up: doubled each time, from the first to the second.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// The time without giving up a connection after which the pauses begin at the shortest again.
const CALM: Duration = Duration::from_secs(5);

/// Spaces out the connections that are given up. The server may be the only one there is: a replica on
/// its own, or one that takes no writes, must not get a new connection for each request.
#[derive(Debug)]
pub(super) struct Pace {
    last: Option<Instant>,
    pause: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { last: None, pause: MIN_PAUSE }
    }

    /// Whether a connection may be given up now. If so, the next one is kept for a longer pause.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let Some(last) = self.last else {
            self.last = Some(now);
            return true;
        };
        let since = now.saturating_duration_since(last);
        if since < self.pause {
            return false;
        }
        self.pause = if since < CALM { MAX_PAUSE.min(self.pause * 2) } else { MIN_PAUSE };
        self.last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;

    #[test]
    fn pauses_grow_to_a_second_and_shrink_after_a_calm_time() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        let millis = |millis| start + Duration::from_millis(millis);
        // Asked every ten milliseconds for ten seconds.
        let given_up: Vec<u64> =
            (0..1_000).map(|ask| ask * 10).filter(|at| pace.allows(millis(*at))).collect();
        assert_eq!(given_up[..6], [0, 100, 300, 700, 1_500, 2_500]);
        assert_eq!(given_up.len(), 13, "{given_up:?}");
        assert!(pace.allows(millis(60_000)), "long after");
        assert!(!pace.allows(millis(60_099)), "the pause is the shortest again");
        assert!(pace.allows(millis(60_100)));
    }
}
