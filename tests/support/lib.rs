//! What the test programs share: interfaces, a browser, parsed answers, a backend that fails on
//! command, a store with hooks, a log that can be read, servers, and Flask's cookies made by hand.

mod bare;
mod browser;
mod flask;
pub mod forged;
mod hooked;
mod http;
pub mod in_memory;
mod interfaces;
mod jar;
pub mod linted;
pub mod load_driver;
mod logged;
mod mariadb;
mod mode;
mod nginx;
mod pgbouncer;
mod postgres;
mod proxy;
mod redis;
pub mod reliability;
mod seeded;
pub mod stage;
mod switched;
mod timed;

pub use self::{
    bare::BareStore,
    browser::{Answer, Browser, SetCookie},
    flask::{FLASK_KEY, SharedSessions, flask_cookie, flask_json, sign_payload},
    hooked::{Call, HookedStore, When},
    http::{HttpAnswer, HttpClient, Served},
    interfaces::{AppSessions, ConfiguredSessions, StoredSessions},
    jar::{Initiator, Jar},
    logged::{Line, Logged},
    mariadb::MariaDb,
    mode::Mode,
    nginx::Nginx,
    pgbouncer::{PgBouncer, PgBouncerVersion},
    postgres::Postgres,
    proxy::Proxy,
    redis::{Redis, RedisCluster, Requests, Sentinels},
    seeded::{left_by, seeded},
    switched::{Switched, Switches},
    timed::TimedStore,
};
use actix_web::{http::header, test::TestRequest};
use sessions::SecretKey;

/// Returns the `number`th of a row of keys that are the same in every run.
///
/// # Panics
///
/// Never: a text of 64 distinct digits is a strong enough key.
pub fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(key_text(number)).expect("36 bytes without a pattern")
}

/// Returns the bytes of a [`key`].
pub fn key_text(number: u8) -> String {
    format!("{number:03}-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2")
}

/// Returns a request with this token in the cookie `id`.
pub fn with_token(path: &str, token: &str) -> TestRequest {
    TestRequest::get().uri(path).append_header((header::COOKIE, format!("id={token}")))
}

/// Whether this is the run of `scripts/test --full`, which repeats each figure and each fault more often.
pub fn is_full() -> bool {
    std::env::var_os("SESSIONS_TEST_FULL").is_some()
}

/// Runs `act` on a thread of its own, as another handle of the same request does.
///
/// # Panics
///
/// When `act` does.
pub fn on_another_thread<R: Send>(act: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| scope.spawn(act).join().expect("it does not panic"))
}
