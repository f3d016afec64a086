//! One field opens and saves, and one has the configuration.

use sessions::{SessionConfig, SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(backend)]
    first: SignedCookie,
    #[session(backend)]
    second: SignedCookie,
}

#[derive(Clone, SessionInterface)]
struct B(#[session(config)] SessionConfig, #[session(config)] SessionConfig);

fn main() {}
