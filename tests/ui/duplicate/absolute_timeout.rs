//! `absolute_timeout` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(absolute_timeout = "12 h", absolute_timeout = "8 h")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(absolute_timeout = "12 h")]
#[session(absolute_timeout = "8 h")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
