//! A path begins with `/` and is written as browsers send it.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(path = "app")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/a;b")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/é")]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "")]
struct D {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/my app")]
struct E {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/a<b>\"c\"")]
struct F {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/search?q=1")]
struct G {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/app#top")]
struct H {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/a/../b")]
struct I {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/my%20app")]
struct Legal {
    backend: SignedCookie,
}

fn main() {}
