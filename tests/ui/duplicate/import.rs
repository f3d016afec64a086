//! `import` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(import = "copy", import = "move")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(import = "copy")]
#[session(import = "move")]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
