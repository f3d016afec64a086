//! A `__Host-` cookie has no domain.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", domain = "example.com")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-id", domain = false)]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-id")]
    pub struct B {
        backend: SignedCookie,
    }
}

fn main() {}
