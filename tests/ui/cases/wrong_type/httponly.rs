//! `httponly` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(httponly = "true")]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
