//! `save_with` is given once.

use sessions::{Dictionary, SaveContext, SaveError, Saved, SessionInterface, SignedCookie};

async fn save(_: &AppSessions, _: &Dictionary, _: SaveContext<'_>) -> Result<Saved, SaveError> {
    Ok(Saved::Nothing)
}

#[derive(Clone, SessionInterface)]
#[session(save_with = save, save_with = save)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
