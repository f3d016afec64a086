//! `config` is about a field, not about the struct.

use sessions::{SessionConfig, SessionInterface};

#[derive(Clone, SessionInterface)]
#[session(config)]
struct AppSessions {
    config: SessionConfig,
}

fn main() {}
