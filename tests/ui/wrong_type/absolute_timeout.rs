//! `absolute_timeout` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(absolute_timeout = false)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
