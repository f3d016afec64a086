//! `secure` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(secure = true)]
    backend: SignedCookie,
}

fn main() {}
