//! What a function saves is not known to be confidential.

use sessions::{
    error::SaveError,
    interface::{SaveContext, Saved},
    EncryptedCookie, SessionInterface, SessionState,
};

#[derive(Clone, SessionInterface)]
#[session(confidential, save_with = save)]
struct AppSessions {
    backend: EncryptedCookie,
}

async fn save(_: &AppSessions, _: &SessionState, _: SaveContext<'_>) -> Result<Saved, SaveError> {
    Ok(Saved::unchanged())
}

mod legal {
    use sessions::{
        backend::Backend, error::OpenError, interface::{OpenContext, Opened}, EncryptedCookie,
        SessionInterface, SessionState,
    };

    #[derive(Clone, SessionInterface)]
    #[session(confidential, open_with = open)]
    struct AppSessions {
        backend: EncryptedCookie,
    }

    async fn open(
        sessions: &AppSessions,
        cx: OpenContext<'_>,
    ) -> Result<Opened<SessionState>, OpenError> {
        sessions.backend.open(&cx).await
    }
}

fn main() {}
