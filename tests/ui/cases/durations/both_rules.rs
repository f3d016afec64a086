//! The idle timeout has two neighbours, and both are told.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = "1 h", absolute_timeout = "30 min", touch_interval = "2 h")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(idle_timeout = "1 h", absolute_timeout = "2 h", touch_interval = "30 min")]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
