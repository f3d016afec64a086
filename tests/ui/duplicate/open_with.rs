//! `open_with` is given once.

use sessions::{SessionState, OpenContext, OpenError, SessionInterface, SignedCookie};

async fn open(_: &AppSessions, _: OpenContext<'_>) -> Result<Option<SessionState>, OpenError> {
    Ok(None)
}

#[derive(Clone, SessionInterface)]
#[session(open_with = open, open_with = open)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
