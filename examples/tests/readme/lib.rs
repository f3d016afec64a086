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
