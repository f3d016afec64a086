//! `save_with` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(save_with = 's')]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
