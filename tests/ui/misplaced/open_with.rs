//! `open_with` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(open_with = open)]
    backend: SignedCookie,
}

fn main() {}
