//! `expiration_time` is given once.

use std::time::SystemTime;

use sessions::{SessionState, SessionInterface, SignedCookie};

fn expires(_: &AppSessions, _: &SessionState, now: SystemTime) -> Option<SystemTime> {
    Some(now)
}

#[derive(Clone, SessionInterface)]
#[session(expiration_time = expires, expiration_time = expires)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
