//! A partitioned cookie is secure.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(partitioned, secure = false)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(partitioned = true, secure = false)]
struct B {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(partitioned, secure = true)]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(partitioned)]
    pub struct B {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(partitioned = false, secure = false)]
    pub struct C {
        backend: SignedCookie,
    }
}

fn main() {}
