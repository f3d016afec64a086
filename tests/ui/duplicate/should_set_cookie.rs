//! `should_set_cookie` is given once.

use sessions::{SessionState, SessionInterface, SignedCookie};

fn should(_: &AppSessions, _: &SessionState) -> bool {
    true
}

#[derive(Clone, SessionInterface)]
#[session(should_set_cookie = should, should_set_cookie = should)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
