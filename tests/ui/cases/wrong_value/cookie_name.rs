//! A cookie has a name of characters that cookies may hold.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "a;b")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "my session")]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "sitzung-ü")]
struct D {
    backend: SignedCookie,
}

fn main() {}
