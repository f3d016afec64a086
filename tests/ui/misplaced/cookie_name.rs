//! `cookie_name` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(cookie_name = "a")]
    backend: SignedCookie,
}

fn main() {}
