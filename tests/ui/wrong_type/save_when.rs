//! `save_when` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(save_when = true)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
