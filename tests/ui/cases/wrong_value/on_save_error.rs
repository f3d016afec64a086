//! The words of `on_save_error` are spelt exactly.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_save_error = "Log")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(on_save_error = "null")]
struct B {
    backend: SignedCookie,
}

fn main() {}
