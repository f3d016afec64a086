//! `path` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(path = "/a")]
    backend: SignedCookie,
}

fn main() {}
