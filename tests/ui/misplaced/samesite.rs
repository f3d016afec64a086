//! `samesite` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(samesite = "Lax")]
    backend: SignedCookie,
}

fn main() {}
