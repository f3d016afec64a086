//! The three words are spelt exactly, and no others are known.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(samesite = "strict")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(samesite = "LAX")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(samesite = "none")]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(samesite = "Relaxed")]
struct D {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(samesite = "")]
struct E {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(samesite = true)]
struct F {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(samesite = SameSite::Strict)]
struct G {
    backend: SignedCookie,
}

fn main() {}
