//! `cookie_name` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "a", cookie_name = "b")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "a")]
#[session(cookie_name = "b")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
