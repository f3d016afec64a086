//! An idle timeout is at least 2 seconds, so that a use can be noted before it ends.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = "1 s")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(idle_timeout = 0)]
struct B {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(idle_timeout = "2 s")]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
