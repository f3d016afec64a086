//! `on_save_error` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(on_save_error = "error", on_save_error = "log")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(on_save_error = "error")]
#[session(on_save_error = "log")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
