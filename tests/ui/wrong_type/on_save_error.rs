//! `on_save_error` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_save_error = false)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
