//! A function for the null session is told why there is none.

use sessions::{SessionInterface, SessionState, SignedCookie};

fn wrong(_: &AppSessions) -> SessionState {
    SessionState::new()
}

#[derive(Clone, SessionInterface)]
#[session(null_session = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
