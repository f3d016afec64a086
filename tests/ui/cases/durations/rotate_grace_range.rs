//! The grace after a rotation is at most 60 seconds.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(rotate_grace = "2 min")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(rotate_grace = "60 s")]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(rotate_grace = 0)]
    pub struct B {
        backend: SignedCookie,
    }
}

fn main() {}
