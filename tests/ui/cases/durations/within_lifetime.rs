//! An idle timeout is within the lifetime, and a touch interval below it.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(lifetime = "1 h", idle_timeout = "2 h")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "1 min", touch_interval = "60 s")]
struct B {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = "1 h", idle_timeout = "1 h", touch_interval = "59 min")]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
