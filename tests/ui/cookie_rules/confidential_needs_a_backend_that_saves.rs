//! What a function saves is not known to be confidential.

use sessions::{Dictionary, EncryptedCookie, SaveContext, SaveError, Saved, SessionInterface};

#[derive(Clone, SessionInterface)]
#[session(confidential, save_with = save)]
struct AppSessions {
    backend: EncryptedCookie,
}

async fn save(_: &AppSessions, _: &Dictionary, _: SaveContext<'_>) -> Result<Saved, SaveError> {
    Ok(Saved::Nothing)
}

mod legal {
    use sessions::{
        Backend, Dictionary, EncryptedCookie, OpenContext, OpenError, SessionInterface,
    };

    #[derive(Clone, SessionInterface)]
    #[session(confidential, open_with = open)]
    struct AppSessions {
        backend: EncryptedCookie,
    }

    async fn open(
        sessions: &AppSessions,
        cx: OpenContext<'_>,
    ) -> Result<Option<Dictionary>, OpenError> {
        sessions.backend.open(&cx).await
    }
}

fn main() {}
