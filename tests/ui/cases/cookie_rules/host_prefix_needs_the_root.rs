//! A `__Host-` cookie has the path `/`.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", path = "/app")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-id", path = "/")]
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
