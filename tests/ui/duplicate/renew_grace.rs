//! `renew_grace` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(renew_grace = "60 s", renew_grace = 30)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(renew_grace = "60 s")]
#[session(renew_grace = 30)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
