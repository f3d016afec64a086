//! A domain is a host name and nothing around it.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(domain = "https://example.com")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(domain = "example.com:8080")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(domain = "example.com/app")]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(domain = "example.com.")]
struct D {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(domain = "")]
struct E {
    backend: SignedCookie,
}

fn main() {}
