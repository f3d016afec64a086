//! `on_decode_error` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct Cart;

#[derive(Clone, SessionInterface)]
#[session(on_decode_error = "default", on_decode_error = "error", data = Cart)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(on_decode_error = "default", data = Cart)]
#[session(on_decode_error = "error")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
