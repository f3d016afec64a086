//! The words of `on_gone` are spelt exactly.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_gone = "Log")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(on_gone = "null")]
struct B {
    backend: SignedCookie,
}

fn main() {}
