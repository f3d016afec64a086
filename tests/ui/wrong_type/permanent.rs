//! `permanent` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(permanent = "true")]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
