//! `renew_grace` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(renew_grace = "60 s")]
    backend: SignedCookie,
}

fn main() {}
