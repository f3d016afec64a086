//! `should_set_cookie` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(should_set_cookie = should)]
    backend: SignedCookie,
}

fn main() {}
