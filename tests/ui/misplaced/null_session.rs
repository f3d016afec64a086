//! `null_session` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(null_session = null)]
    backend: SignedCookie,
}

fn main() {}
