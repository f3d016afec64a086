//! An absolute timeout is at least 1 second.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(absolute_timeout = "0 s")]
struct AppSessions {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(absolute_timeout = "1 s")]
    pub struct A {
        backend: SignedCookie,
    }
}

fn main() {}
