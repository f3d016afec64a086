//! A key like no other is told all of them, and no guess.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(max_age = 3600)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(redis(url = "redis://localhost"))]
struct B {
    backend: SignedCookie,
}

fn main() {}
