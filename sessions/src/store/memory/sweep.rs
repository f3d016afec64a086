//! The thread that removes expired records.

use std::{sync::Weak, thread, time::Duration};

use super::Shared;
use crate::events::{kept_expired, removed_expired};

const INTERVAL: Duration = Duration::from_secs(60);
/// How soon the thread notices that the store was dropped.
const NAP: Duration = Duration::from_secs(1);

pub(super) fn start(store: Weak<Shared>) {
    let run = move || sweep_until_dropped(&store, NAP, INTERVAL);
    // Without the thread, a full store still removes expired records, and no caller sees them.
    if let Err(err) = thread::Builder::new().name("sessions-sweep".to_owned()).spawn(run) {
        kept_expired(format_args!(
            "the thread that removes them did not start, and they stay in memory until the store is full: {err}"
        ));
    }
}

fn sweep_until_dropped(store: &Weak<Shared>, nap: Duration, interval: Duration) {
    let mut napped = Duration::ZERO;
    while store.strong_count() > 0 {
        thread::sleep(nap);
        napped += nap;
        if napped >= interval {
            napped = Duration::ZERO;
            let Some(store) = store.upgrade() else { return };
            let removed = store.sweep();
            removed_expired(u64::try_from(removed).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use super::*;
    use crate::store::{MemoryStore, Record, RecordKey, Store};

    const MILLI: Duration = Duration::from_millis(1);

    /// Waits until it is so, for five seconds at most.
    fn eventually(is_so: impl Fn() -> bool) -> bool {
        let begun = Instant::now();
        while !is_so() && begun.elapsed() < Duration::from_secs(5) {
            thread::sleep(MILLI);
        }
        is_so()
    }

    #[tokio::test]
    async fn the_thread_removes_expired_records_and_ends_with_the_store() {
        let store = MemoryStore::new();
        let shared = Arc::downgrade(&store.shared);
        let sweeping = thread::spawn(move || sweep_until_dropped(&shared, MILLI, 3 * MILLI));
        let key = RecordKey::from_bytes([1; 32]);
        store.create(&key, &Record::sample("{}"), Duration::ZERO).await.expect("there is room");
        assert!(eventually(|| store.is_empty()));
        drop(store);
        assert!(eventually(|| sweeping.is_finished()));
    }
}
