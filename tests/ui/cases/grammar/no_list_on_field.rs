//! The keys of a field stand in parentheses as well.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session]
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
struct B {
    #[session = "backend"]
    mine: SignedCookie,
}

fn main() {}
