//! Each rule that is broken is one error.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", domain = "example.com", path = "/app", secure = false, samesite = "None", partitioned)]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-id", domain = false, path = "/", secure = true, samesite = "None", partitioned)]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
