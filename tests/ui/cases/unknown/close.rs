//! A key that is nearly right is told which one is meant.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(same_site = "Lax")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_domain = "example.com")]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(http_only = true, idle_timout = "30 min", SECURE = true)]
struct C {
    backend: SignedCookie,
}

fn main() {}
