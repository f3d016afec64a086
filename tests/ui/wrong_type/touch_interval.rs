//! `touch_interval` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(touch_interval = 's')]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
