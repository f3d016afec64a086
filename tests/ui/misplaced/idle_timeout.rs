//! `idle_timeout` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(idle_timeout = "30 min")]
    backend: SignedCookie,
}

fn main() {}
