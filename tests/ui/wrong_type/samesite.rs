//! `samesite` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(samesite = true)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
