//! A `__Host-` cookie is secure; browsers compare the prefix without regard to case.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", secure = false)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__host-id", secure = false)]
struct B {
    backend: SignedCookie,
}

mod legal {
    use actix_web::HttpRequest;
    use sessions::{SessionInterface, SignedCookie};

    fn over_https<T>(_: &T, request: &HttpRequest) -> bool {
        request.app_config().secure()
    }

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-id", secure = true)]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-id")]
    pub struct B {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-id", secure = over_https)]
    pub struct C {
        backend: SignedCookie,
    }
}

fn main() {}
