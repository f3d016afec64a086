//! `on_load_error` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(on_load_error = "error")]
    backend: SignedCookie,
}

fn main() {}
