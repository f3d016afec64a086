//! `lifetime` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(lifetime = "14 days", lifetime = "7 days")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "14 days")]
#[session(lifetime = "7 days")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
