//! `on_load_error` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_load_error = "error", on_load_error = "null")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(on_load_error = "error")]
#[session(on_load_error = "null")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
