//! `import` is about the struct, not about a field.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    #[session(import = "copy")]
    backend: SignedCookie,
}

fn main() {}
