//! `on_decode_error` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct Cart;

#[derive(Clone, SessionInterface)]
#[session(on_decode_error = Default, data = Cart)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
