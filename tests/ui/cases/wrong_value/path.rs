//! A path begins with `/` and is written in ASCII.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(path = "app")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/a;b")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/é")]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "")]
struct D {
    backend: SignedCookie,
}

fn main() {}
