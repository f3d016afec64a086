//! `save_with` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(save_with = save)]
    backend: SignedCookie,
}

fn main() {}
