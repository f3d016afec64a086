//! Support for authors of stores: a suite that checks the contract of a [`Store`] sentence by sentence,
//! and keys and records for further tests.
//!
//! # Examples
//!
//! The whole test of a store. Others may use the store at the same time, since every key is random:
//!
//! ```
//! # use sessions::MemoryStore as MyStore;
//! # const _: &str = stringify!(
//! #[tokio::test(flavor = "multi_thread")]
//! # );
//! async fn keeps_the_contract() {
//!     sessions::test::store::conformance(MyStore::new()).await;
//! }
//! # tokio::runtime::Runtime::new().unwrap().block_on(keeps_the_contract());
//! ```

mod at_once;
mod breach;
mod dropped;
mod expiry;
mod full;
mod histories;
mod linearizability;
mod owner_index;
mod races;
mod records;
mod revisions;
mod samples;
mod time;

use std::{fmt::Write, sync::Arc};

use tokio::runtime::{Handle, RuntimeFlavor};

use self::breach::{Report, outcome};
pub use self::{
    breach::Breach,
    samples::{owner_key, owner_key_in, random_key, record, record_of},
};
use crate::store::Store;

/// Checks that a store keeps the contract: what [`store`](crate::store) and the methods of
/// [`Store`] say, and where it has [`owners`](Store::owners) what
/// [`OwnerIndex`](crate::store::OwnerIndex) says. Takes some ten seconds, since a store has a clock
/// of its own to wait for.
///
/// A test that needs the store afterwards passes an `Arc` of it, or a clone.
///
/// # Panics
///
/// When the store breaks the contract: the message lists the sentences that it breaks, and what
/// was found. On a runtime of one thread, where requests cannot race.
pub async fn conformance<S: Store>(store: S) {
    fail::<S>(&breaches(store).await);
}

/// Checks a store like [`conformance`], and returns the breaches instead of failing.
///
/// # Panics
///
/// On a runtime of one thread, where requests cannot race.
pub async fn breaches<S: Store>(store: S) -> Vec<Breach> {
    expect_threads();
    let store = Arc::new(store);
    let mut report = Report::default();
    Box::pin(records::check(&store, &mut report)).await;
    Box::pin(revisions::check(&store, &mut report)).await;
    Box::pin(at_once::check(&store, &mut report)).await;
    Box::pin(dropped::check(&store, &mut report)).await;
    Box::pin(races::check(&store, &mut report)).await;
    Box::pin(histories::check(&store, &mut report)).await;
    Box::pin(owner_index::check(&store, &mut report)).await;
    Box::pin(time::check(&store, &mut report)).await;
    Box::pin(expiry::check(&store, &mut report)).await;
    report.breaches
}

/// Lets clients do random operations on one record at the same time, `count` times, and searches each
/// time for an order in which, one after the other, they get the same answers. [`conformance`] does so
/// for a third of a second.
///
/// # Panics
///
/// When there is no such order, and on a runtime of one thread.
pub async fn histories<S: Store>(store: S, count: usize) {
    expect_threads();
    let store = Arc::new(store);
    let mut report = Report::default();
    for _ in 0..count {
        report.note(histories::SENTENCE, outcome(histories::one_history(&store)).await);
        fail::<S>(&report.breaches);
    }
}

/// Checks a full store: live sessions stay, can be read, and can be ended. Takes a small store that
/// holds nothing of value and has no other users, and fills it with records of a kilobyte.
///
/// # Panics
///
/// When the store breaks the contract, or is not full with 100,000 records.
pub async fn conformance_when_full<S: Store>(store: S) {
    let mut report = Report::default();
    Box::pin(full::check(&store, &mut report)).await;
    fail::<S>(&report.breaches);
}

fn expect_threads() {
    let flavor = Handle::current().runtime_flavor();
    assert!(
        flavor != RuntimeFlavor::CurrentThread,
        "the suite lets requests race on several threads: write `#[tokio::test(flavor = \"multi_thread\")]`"
    );
}

fn fail<S>(breaches: &[Breach]) {
    let mut list = String::new();
    for breach in breaches {
        let _ = write!(list, "\n- {breach}");
    }
    assert!(
        breaches.is_empty(),
        "`{}` breaks the contract of a store:{list}",
        std::any::type_name::<S>()
    );
}
