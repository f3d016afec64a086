//! `secure` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(secure = "yes")]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
