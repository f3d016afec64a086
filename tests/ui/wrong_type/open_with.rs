//! `open_with` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(open_with = "open")]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
