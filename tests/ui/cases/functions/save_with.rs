//! A function that saves takes the content before the context, and says what became of it.

use sessions::{
    error::SaveError,
    interface::{SaveContext, Saved},
    SessionInterface, SessionState, SignedCookie,
};

async fn wrong(_: &AppSessions, _: SaveContext<'_>, _: &SessionState) -> Result<Saved, SaveError> {
    Ok(Saved::unchanged())
}

async fn no_answer(_: &B, _: &SessionState, _: SaveContext<'_>) -> Result<(), SaveError> {
    Ok(())
}

#[derive(Clone, SessionInterface)]
#[session(save_with = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(save_with = no_answer)]
struct B {
    backend: SignedCookie,
}

fn main() {}
