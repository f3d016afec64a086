//! `open` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(open = "lazy", open = "eager")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(open = "lazy")]
#[session(open = "eager")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
