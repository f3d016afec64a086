//! Events of stores, for their authors.

use std::fmt;

use super::event;

/// Tells that a store has removed this many records that had expired: [`Event::StoreSwept`](super::Event::StoreSwept).
pub fn removed_expired(removed: u64) {
    event!(StoreSwept, removed, "expired sessions were removed from the store");
}

/// Tells that the server of a store is set up so that sessions are not safe there:
/// [`Event::StoreUnfit`](super::Event::StoreUnfit). `problem` says what may happen, and what to change.
///
/// # Security
///
/// `problem` is written as it is: it must show no passwords and no values of sessions, and have no control
/// characters.
pub fn unfit_store(problem: impl fmt::Display) {
    event!(StoreUnfit, "{problem}");
}

/// Tells that a store could not remove records that have expired:
/// [`Event::StoreNotSwept`](super::Event::StoreNotSwept). `problem` says why, and until when they stay.
///
/// # Security
///
/// `problem` is written as it is: it must show no passwords and no values of sessions, and have no control
/// characters.
pub fn kept_expired(problem: impl fmt::Display) {
    event!(StoreNotSwept, "expired sessions stay in the store: {problem}");
}
