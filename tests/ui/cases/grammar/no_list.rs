//! Keys stand in parentheses.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session = "__Host-id"]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session[secure = true]]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session { secure = true }]
struct D {
    backend: SignedCookie,
}

fn main() {}
