//! The words of `open` are spelt exactly.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(open = "Lazy")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(open = "now")]
struct B {
    backend: SignedCookie,
}

fn main() {}
