//! What is no entry is told what was expected.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(, secure = true)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session("__Host-id", secure = true,, 5)]
struct B {
    backend: SignedCookie,
}

fn main() {}
