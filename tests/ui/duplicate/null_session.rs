//! `null_session` is given once.

use sessions::{Dictionary, NullSession, SessionInterface, SignedCookie};

fn null(_: &AppSessions, null: NullSession) -> Dictionary {
    Dictionary::null(null)
}

#[derive(Clone, SessionInterface)]
#[session(null_session = null, null_session = null)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
