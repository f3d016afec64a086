//! `touch_interval` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(touch_interval = "60 s")]
    backend: SignedCookie,
}

fn main() {}
