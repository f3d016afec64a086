//! A function that opens is async, takes the context and can fail.

use sessions::{
    error::OpenError, interface::{OpenContext, Opened}, SessionInterface, SessionState, SignedCookie,
};

async fn wrong(_: &AppSessions, _: OpenContext<'_>) -> Option<SessionState> {
    None
}

fn not_async(_: &B, _: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
    Ok(SessionState::new().into())
}

async fn other_argument(_: &C) -> Result<Opened<SessionState>, OpenError> {
    Ok(SessionState::new().into())
}

#[derive(Clone, SessionInterface)]
#[session(open_with = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(open_with = not_async)]
struct B {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(open_with = other_argument)]
struct C {
    backend: SignedCookie,
}

fn main() {}
