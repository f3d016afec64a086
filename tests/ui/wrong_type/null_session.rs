//! `null_session` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(null_session = |_, null| null)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
