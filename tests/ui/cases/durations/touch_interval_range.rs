//! A touch interval is at least 1 second.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(touch_interval = 0)]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(touch_interval = 1)]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
