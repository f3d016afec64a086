//! `touch_interval` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(touch_interval = "60 s", touch_interval = 30)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(touch_interval = "60 s")]
#[session(touch_interval = 30)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
