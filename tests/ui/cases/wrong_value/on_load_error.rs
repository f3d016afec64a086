//! The words of `on_load_error` are spelt exactly.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_load_error = "Error")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(on_load_error = "log")]
struct B {
    backend: SignedCookie,
}

fn main() {}
