//! One field is the `config`, and says so once.

use sessions::{SessionConfig, SessionInterface};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(config, config)]
    mine: SessionConfig,
}

#[derive(Clone, SessionInterface)]
struct OtherSessions {
    #[session(config)]
    mine: SessionConfig,
    #[session(config)]
    other: SessionConfig,
}

fn main() {}
