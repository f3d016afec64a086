//! A key and its value have `=` between them.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name "a", secure: true, lifetime("14 days"))]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path == "/", samesite => "Lax", permanent)]
struct B {
    backend: SignedCookie,
}

fn main() {}
