//! A use has to be noted before the idle timeout ends the session.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = "2 min", touch_interval = "2 min")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(idle_timeout = "2 min", touch_interval = "119 s")]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(touch_interval = "1 h")]
    pub struct B {
        backend: SignedCookie,
    }
}

fn main() {}
