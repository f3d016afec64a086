//! `null_session` is given once.

use sessions::{SessionState, NullSession, SessionInterface, SignedCookie};

fn null(_: &AppSessions, null: NullSession) -> SessionState {
    SessionState::null(null)
}

#[derive(Clone, SessionInterface)]
#[session(null_session = null, null_session = null)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
