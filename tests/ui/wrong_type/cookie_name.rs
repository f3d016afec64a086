//! `cookie_name` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = true)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
