//! `refresh_each_request` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(refresh_each_request = true, refresh_each_request = false)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(refresh_each_request = true)]
#[session(refresh_each_request = false)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
