//! The host's clock, which all processes that share a file read.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use sessions::store::Timestamp;

/// Returns the time of the day in microseconds since 1970, rounded down, and later than every one that
/// this process has got before.
///
/// Read before a statement begins, it is not later than what the statement sees, nor earlier than what
/// its caller has seen.
pub(super) fn micros() -> i64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = Timestamp::of(SystemTime::now()).get();
    let next = |last: u64| now.max(last.saturating_add(1));
    let update = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    update.map_or_else(|last| last, next).cast_signed()
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        thread,
        time::{Duration, SystemTime},
    };

    use sessions::store::Timestamp;

    use super::micros;

    #[test]
    fn no_time_is_given_twice_and_none_is_earlier_than_the_one_before() {
        let threads = [(); 4].map(|()| {
            thread::spawn(|| {
                let times: Vec<_> = (0..10_000).map(|_| micros()).collect();
                assert!(times.is_sorted_by(|one, next| one < next));
                times
            })
        });
        let times = threads.map(|thread| thread.join().unwrap()).concat();
        assert_eq!(times.iter().collect::<HashSet<_>>().len(), times.len());
    }

    #[test]
    fn it_is_the_time_of_the_day() {
        let before = Timestamp::of(SystemTime::now()).get();
        let now = micros().cast_unsigned();
        // The other test may have drawn more times than there were microseconds.
        let after = Timestamp::of(SystemTime::now() + Duration::from_secs(1)).get();
        assert!((before..after).contains(&now));
    }
}
