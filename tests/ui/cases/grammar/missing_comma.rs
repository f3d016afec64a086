//! A missing comma hides none of the keys after it.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "a" secure = true lifetime = "0 s")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(partitioned secure = true permanent)]
struct B {
    backend: SignedCookie,
}

fn main() {}
