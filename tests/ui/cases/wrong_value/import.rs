//! The words of `import` are spelt exactly.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(import = "Copy")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(import = "cut")]
struct B {
    backend: SignedCookie,
}

fn main() {}
