//! A session cannot go unused for longer than it lasts.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = "2 h", absolute_timeout = "1 h")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(idle_timeout = "1 h", absolute_timeout = "1 h")]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
