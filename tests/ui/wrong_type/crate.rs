//! `crate` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(crate = sessions)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
