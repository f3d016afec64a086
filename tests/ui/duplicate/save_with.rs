//! `save_with` is given once.

use sessions::{SessionState, SaveContext, SaveError, Saved, SessionInterface, SignedCookie};

async fn save(_: &AppSessions, _: &SessionState, _: SaveContext<'_>) -> Result<Saved, SaveError> {
    Ok(Saved::Nothing)
}

#[derive(Clone, SessionInterface)]
#[session(save_with = save, save_with = save)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
