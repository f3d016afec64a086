//! Who opens with a function and has no backend saves with one as well.

use sessions::{
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
    SessionInterface, SessionState,
};

#[derive(Clone, SessionInterface)]
#[session(open_with = open)]
struct AppSessions;

#[derive(Clone, SessionInterface)]
#[session(save_with = save)]
struct B;

async fn open(_: &AppSessions, _: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
    Ok(SessionState::new().into())
}

async fn save(_: &B, _: &SessionState, _: SaveContext<'_>) -> Result<Saved, SaveError> {
    Ok(Saved::unchanged())
}

fn main() {}
