//! `idle_timeout` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = "30 min", idle_timeout = 1800)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = "30 min")]
#[session(idle_timeout = 1800)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
