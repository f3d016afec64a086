//! `save_when` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(save_when = "always")]
    backend: SignedCookie,
}

fn main() {}
