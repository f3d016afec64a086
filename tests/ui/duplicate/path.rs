//! `path` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(path = "/a", path = "/b")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/a")]
#[session(path = "/b")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
