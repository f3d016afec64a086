//! `lifetime` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(lifetime = "14 days")]
    backend: SignedCookie,
}

fn main() {}
