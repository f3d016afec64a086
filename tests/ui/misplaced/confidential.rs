//! `confidential` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(confidential)]
    backend: SignedCookie,
}

fn main() {}
