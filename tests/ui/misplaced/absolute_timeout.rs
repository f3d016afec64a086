//! `absolute_timeout` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(absolute_timeout = "12 h")]
    backend: SignedCookie,
}

fn main() {}
