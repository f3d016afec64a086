//! `samesite` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(samesite = "Lax", samesite = "Strict")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(samesite = "Lax")]
#[session(samesite = "Strict")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
