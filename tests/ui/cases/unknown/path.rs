//! A key is one word.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie.secure = true)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie::secure = true)]
struct B {
    backend: SignedCookie,
}

fn main() {}
