//! `on_gone` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_gone = "error", on_gone = "drop")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(on_gone = "error")]
#[session(on_gone = "drop")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
