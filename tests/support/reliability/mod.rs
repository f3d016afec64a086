//! What the figures of `docs/reliability.md` are measured with: an application in processes of its
//! own, stores by name, and clients that talk to it over the loopback device.

mod client;
mod fixture;
mod leaks;
mod process;
mod server;
pub mod site;

use sessions::{store::Store, test::store::histories};

pub use self::{
    client::Client,
    fixture::{Fixture, Kind},
    process::AppProcess,
    server::Server,
};

/// Returns how often something is done: a tenth of it every day, all of it where
/// `SESSIONS_TEST_FULL` is set.
pub fn of_full(full: usize) -> usize {
    if crate::is_full() { full } else { full / 10 }
}

/// Has five clients do anything to one record at the same time, twenty times each, and expects that
/// one after the other would have been answered the same: ten thousand times, and a fiftieth of it
/// every day.
///
/// # Panics
///
/// When there is a history that no order explains.
pub async fn every_history_has_an_order(name: &str, store: impl Store) {
    let count = if crate::is_full() { 10_000 } else { 200 };
    histories(store, count).await;
    report("histories of 100 operations that have an order", name, format!("{count} of {count}"));
}

/// Prints one figure, on a line of its own whatever the test harness has printed before.
pub fn report(promise: &str, store: &str, figure: impl AsRef<str>) {
    println!("\nfigure | {promise} | {store} | {}", figure.as_ref());
}
