//! `lifetime` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(lifetime = true)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
