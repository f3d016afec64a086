//! `permanent` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(permanent = true, permanent = false)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(permanent = true)]
#[session(permanent = false)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
