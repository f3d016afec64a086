//! `on_gone` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_gone = false)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
