//! The words of `save_when` are spelt exactly.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(save_when = "not5xx")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(save_when = "never")]
struct B {
    backend: SignedCookie,
}

fn main() {}
