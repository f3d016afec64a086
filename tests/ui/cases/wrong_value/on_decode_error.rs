//! The words of `on_decode_error` are spelt exactly.

use sessions::{SessionInterface, SignedCookie};

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct Cart {}

#[derive(Clone, SessionInterface)]
#[session(data = Cart, on_decode_error = "Default")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart, on_decode_error = "null")]
struct B {
    backend: SignedCookie,
}

fn main() {}
