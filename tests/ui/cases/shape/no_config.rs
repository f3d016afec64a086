//! The field with the configuration is a `SessionConfig`.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: SignedCookie,
    config: String,
}

fn main() {}
