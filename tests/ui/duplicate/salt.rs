//! `salt` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(salt = "a", salt = "b")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(salt = "a")]
#[session(salt = "b")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
