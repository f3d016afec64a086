//! A `__Secure-` cookie is secure, and free to have a domain and a path.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Secure-id", secure = false)]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Secure-id", secure = true, domain = "example.com", path = "/app")]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
