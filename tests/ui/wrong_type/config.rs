//! `config` marks a field, and takes no value.

use sessions::{SessionConfig, SessionInterface};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(config = true)]
    mine: SessionConfig,
}

fn main() {}
