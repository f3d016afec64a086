//! `on_decode_error` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(on_decode_error = "default")]
    backend: SignedCookie,
}

fn main() {}
