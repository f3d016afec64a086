//! `refresh_each_request` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(refresh_each_request = true)]
    backend: SignedCookie,
}

fn main() {}
