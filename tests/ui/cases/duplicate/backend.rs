//! One field is the `backend`, and says so once.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(backend, backend)]
    mine: SignedCookie,
}

#[derive(Clone, SessionInterface)]
struct OtherSessions {
    #[session(backend)]
    mine: SignedCookie,
    #[session(backend)]
    other: SignedCookie,
}

fn main() {}
