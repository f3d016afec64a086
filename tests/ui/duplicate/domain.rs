//! `domain` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(domain = "example.com", domain = false)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(domain = "example.com")]
#[session(domain = false)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
