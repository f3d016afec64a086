//! `open` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(open = lazy)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
