//! `data` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct Cart;

#[derive(Clone, SessionInterface)]
#[session(data = Cart, data = Cart)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart)]
#[session(data = Cart)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
