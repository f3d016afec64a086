//! A field has two keys.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(bakend)]
    store: SignedCookie,
}

#[derive(Clone, SessionInterface)]
struct B {
    backend: SignedCookie,
    #[session(skip)]
    other: u32,
}

fn main() {}
