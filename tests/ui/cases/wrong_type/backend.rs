//! `backend` marks a field, and takes no value.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(backend = true)]
    mine: SignedCookie,
}

fn main() {}
