//! `secure` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(secure = true, secure = true)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(secure = true)]
#[session(secure = true)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
