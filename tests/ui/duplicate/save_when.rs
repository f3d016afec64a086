//! `save_when` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(save_when = "always", save_when = "success")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(save_when = "always")]
#[session(save_when = "success")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
