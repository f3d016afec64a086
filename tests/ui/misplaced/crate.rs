//! `crate` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(crate = "::sessions")]
    backend: SignedCookie,
}

fn main() {}
