//! `on_load_error` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_load_error = null)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
