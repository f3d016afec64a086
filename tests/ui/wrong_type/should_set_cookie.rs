//! `should_set_cookie` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(should_set_cookie = true)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
