//! What the programs of the README need to be served by a test.

use std::env;

/// Returns the port to listen on.
///
/// # Panics
///
/// Without a `PORT` in the environment.
pub fn port() -> u16 {
    let port = env::var("PORT").ok().and_then(|port| port.parse().ok());
    port.expect("PORT is the number of a port")
}

/// The blocks of the pages, compiled, and run where they do not say `no_run`. The migrations are compiled by the crate
/// itself. `scripts/check-links` fails when a page with Rust is missing.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/backends.md")]
    struct Backends;

    #[doc = include_str!("../../../docs/login.md")]
    struct Logins;

    #[doc = include_str!("../../../docs/policies.md")]
    struct Policies;

    #[doc = include_str!("../../../docs/reliability.md")]
    struct Reliability;

    #[doc = include_str!("../../../sessions-login/README.md")]
    struct Login;

    #[doc = include_str!("../../../sessions-policy/README.md")]
    struct PolicyCrate;

    #[doc = include_str!("../../../sessions-redis/README.md")]
    struct Redis;

    #[doc = include_str!("../../../sessions-sqlx/README.md")]
    struct Sqlx;
}
