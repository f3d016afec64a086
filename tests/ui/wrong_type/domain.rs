//! `domain` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(domain = true)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
