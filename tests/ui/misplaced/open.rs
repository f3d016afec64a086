//! `open` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(open = "lazy")]
    backend: SignedCookie,
}

fn main() {}
