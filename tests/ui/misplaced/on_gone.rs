//! `on_gone` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(on_gone = "error")]
    backend: SignedCookie,
}

fn main() {}
