//! `import` takes a value of its own kind.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(import = false)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
