//! The thread that removes expired records.

use std::{sync::Weak, thread, time::Duration};

use super::Shared;

const INTERVAL: Duration = Duration::from_secs(60);
/// How soon the thread notices that the store was dropped.
const NAP: Duration = Duration::from_secs(1);

pub(super) fn start(store: Weak<Shared>) {
    let run = move || {
        let mut napped = Duration::ZERO;
        while store.strong_count() > 0 {
            thread::sleep(NAP);
            napped += NAP;
            if napped >= INTERVAL {
                napped = Duration::ZERO;
                let Some(store) = store.upgrade() else { return };
                let removed = store.sweep();
                tracing::debug!(target: "sessions", removed, "expired sessions removed from memory");
            }
        }
    };
    // Without the thread, a full store still removes expired records, and no caller sees them.
    if let Err(err) = thread::Builder::new().name("sessions-sweep".to_owned()).spawn(run) {
        tracing::warn!(target: "sessions", error = &err as &dyn std::error::Error, "the thread that removes expired sessions did not start; they stay in memory until the store is full");
    }
}
