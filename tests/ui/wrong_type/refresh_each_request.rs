//! `refresh_each_request` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(refresh_each_request = refresh)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
