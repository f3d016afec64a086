//! `expiration_time` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(expiration_time = "14 days")]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
