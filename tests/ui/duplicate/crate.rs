//! `crate` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(crate = "::sessions", crate = "::sessions")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(crate = "::sessions")]
#[session(crate = "::sessions")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
