//! `data` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(data = Cart)]
    backend: SignedCookie,
}

fn main() {}
