//! The type of the content is as visible as the interface that names it.

use sessions::{SessionInterface, SignedCookie};

pub mod sessions_of_this_app {
    use super::*;

    #[derive(Default, serde::Deserialize, serde::Serialize)]
    struct Cart {}

    #[derive(Clone, SessionInterface)]
    #[session(data = Cart)]
    pub struct AppSessions {
        backend: SignedCookie,
    }
}

fn main() {}
