//! `data` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct Cart;

#[derive(Clone, SessionInterface)]
#[session(data = "Cart")]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
