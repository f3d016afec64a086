//! What a function saves is not known to be confidential.

use sessions::{SessionState, EncryptedCookie, SaveContext, SaveError, Saved, SessionInterface};

#[derive(Clone, SessionInterface)]
#[session(confidential, save_with = save)]
struct AppSessions {
    backend: EncryptedCookie,
}

async fn save(_: &AppSessions, _: &SessionState, _: SaveContext<'_>) -> Result<Saved, SaveError> {
    Ok(Saved::Nothing)
}

mod legal {
    use sessions::{
        Backend, SessionState, EncryptedCookie, OpenContext, OpenError, SessionInterface,
    };

    #[derive(Clone, SessionInterface)]
    #[session(confidential, open_with = open)]
    struct AppSessions {
        backend: EncryptedCookie,
    }

    async fn open(
        sessions: &AppSessions,
        cx: OpenContext<'_>,
    ) -> Result<Option<SessionState>, OpenError> {
        sessions.backend.open(&cx).await
    }
}

fn main() {}
