//! `confidential` takes no value.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(confidential = true)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
