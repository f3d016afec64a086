//! `domain` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(domain = "example.com")]
    backend: SignedCookie,
}

fn main() {}
