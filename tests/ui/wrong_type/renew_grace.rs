//! `renew_grace` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(renew_grace = 's')]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
