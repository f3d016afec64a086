//! `backend` is about a field, not about the struct.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(backend)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
