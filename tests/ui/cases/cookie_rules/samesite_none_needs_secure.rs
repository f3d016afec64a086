//! A cookie that other sites may send is secure.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(samesite = "None", secure = false)]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(samesite = "None", secure = true)]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(samesite = "None")]
    pub struct B {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(samesite = "Lax", secure = false)]
    pub struct C {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(samesite = false, secure = false)]
    pub struct D {
        backend: SignedCookie,
    }
}

fn main() {}
