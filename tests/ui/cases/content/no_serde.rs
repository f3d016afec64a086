//! The type of the content is written, read and made by default.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone)]
struct Cart {
    items: Vec<String>,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
