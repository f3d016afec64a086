//! `httponly` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(httponly = true, httponly = true)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(httponly = true)]
#[session(httponly = true)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
