//! Whether a cookie is set is decided by the content, not by the handle.

use sessions::{Session, SessionInterface, SignedCookie};

fn wrong(_: &AppSessions, session: &Session) -> bool {
    session.is_modified()
}

#[derive(Clone, SessionInterface)]
#[session(should_set_cookie = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
