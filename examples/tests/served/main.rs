//! The examples and the README's programs as a newcomer runs them: a process of their own, real HTTP,
//! a real browser.

mod client;
mod examples;
#[cfg(unix)]
mod key_change;
mod metrics;
mod readme;
