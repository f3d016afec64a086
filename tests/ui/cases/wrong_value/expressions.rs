//! A value is a literal or a path, and is computed nowhere.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(lifetime = 14 * 24 * 60)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = concat!("a", "b"), secure = !cfg!(debug_assertions))]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(domain = |_, _| None, httponly = { true })]
struct C {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = -1, idle_timeout = 14u64, salt = "a"_b)]
struct D {
    backend: SignedCookie,
}

fn main() {}
