//! An `__Http-` cookie is secure and hidden from scripts; an `__Host-Http-` cookie has the rules of `__Host-` too.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Http-id", secure = false)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__http-id", httponly = false)]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-Http-id", httponly = false, domain = "example.com", path = "/app")]
struct C {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Http-id", domain = "example.com", path = "/app")]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-Http-id")]
    pub struct B {
        backend: SignedCookie,
    }
}

fn main() {}
