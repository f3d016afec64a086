//! The path of the library is a path.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(crate = "")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(crate = "a b")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(crate = "my-app")]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(crate = "a::<u8>")]
struct D {
    backend: SignedCookie,
}

fn main() {}
