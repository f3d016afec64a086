//! `path` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(path = 1)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
