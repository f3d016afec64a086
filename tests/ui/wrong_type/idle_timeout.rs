//! `idle_timeout` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = 1.5)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
