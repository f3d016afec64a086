//! `permanent` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(permanent = true)]
    backend: SignedCookie,
}

fn main() {}
