//! What other session crates do today, as tests.
//!
//! Each test asserts how a peer *behaves*, not how it should: the comparison in our documentation is read off
//! these tests. When a peer changes, its test fails, and the table is brought up to date with it.
//!
//! Every test prints one line per fact:
//!
//! ```text
//! cargo test -- --nocapture | grep '^fact'
//! ```
//!
//! Everything runs in one process without sockets, clocks or sleeps; where an order matters, a channel makes it.

pub mod actix;
mod answer;
mod gate;
#[path = "../../support/redis/mod.rs"]
pub mod redis_server;
pub mod tower;

pub use self::{
    answer::{Answer, SetCookie},
    gate::Gate,
};

/// Prints one fact about a peer, on a line of its own whatever the test harness has printed before.
pub fn report(peer: &str, point: &str, fact: impl AsRef<str>) {
    println!("\nfact | {peer} | {point} | {}", fact.as_ref());
}
