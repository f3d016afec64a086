//! A function for the expiry answers with a point in time.

use std::time::{Duration, SystemTime};

use sessions::{SessionInterface, SessionState, SignedCookie};

fn wrong(_: &AppSessions, _: &SessionState, _: SystemTime) -> Option<Duration> {
    Some(Duration::from_secs(1))
}

#[derive(Clone, SessionInterface)]
#[session(expiration_time = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
