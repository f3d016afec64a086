//! A lifetime is between 1 second and 400 days.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(lifetime = 0)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "401 days")]
struct B {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = 1)]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = "400 days")]
    pub struct B {
        backend: SignedCookie,
    }
}

fn main() {}
