//! A duration is one whole number and one unit that is known.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(lifetime = "14 fortnights")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "1.5 h")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "days")]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "")]
struct D {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "1h 30min")]
struct E {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "-5 s")]
struct F {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "99999999999999999999 s")]
struct G {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "14  days")]
struct H {
    backend: SignedCookie,
}

mod legal {
    use sessions::{SessionInterface, SignedCookie};

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = "14 days")]
    pub struct A {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = "90 s")]
    pub struct B {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = 1_800)]
    pub struct C {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = "90")]
    pub struct D {
        backend: SignedCookie,
    }

    #[derive(Clone, SessionInterface)]
    #[session(lifetime = "2 weeks")]
    pub struct E {
        backend: SignedCookie,
    }
}

fn main() {}
