//! The lifetime of visitors' sessions is between 1 second and 400 days.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(anonymous_lifetime = 0)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(anonymous_lifetime = "401 days")]
struct B {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(anonymous_lifetime = 1)]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(anonymous_lifetime = "400 days")]
    pub struct B {
        backend: SignedCookie,
    }
}

fn main() {}
