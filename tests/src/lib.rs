//! What the tests of this folder share: a browser, an answer taken apart, a backend that fails on
//! command, a store with hooks, what is logged, interfaces that tolerate no warning, servers of
//! their own.

mod browser;
mod hooked;
mod http;
pub mod linted;
mod logged;
mod postgres;
mod proxy;
mod redis;
mod switched;

pub use self::{
    browser::{Answer, Browser, SetCookie},
    hooked::{Call, HookedStore, When},
    http::{HttpAnswer, HttpClient, Served},
    logged::{Line, Logged},
    postgres::Postgres,
    proxy::Proxy,
    redis::{Redis, RedisCluster, Requests},
    switched::{Switched, Switches},
};
use sessions::SecretKey;

/// Returns the `number`th of a row of keys that are the same in every run.
///
/// # Panics
///
/// Never: a text of 64 distinct digits is a strong enough key.
pub fn key(number: u8) -> SecretKey {
    let text = format!("{number:03}-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2");
    SecretKey::from_bytes(text).expect("40 bytes without a pattern")
}
