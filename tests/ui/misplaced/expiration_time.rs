//! `expiration_time` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(expiration_time = expires)]
    backend: SignedCookie,
}

fn main() {}
