//! Something has to open and to save.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    store: SignedCookie,
}

#[derive(Clone, SessionInterface)]
struct B(SignedCookie);

#[derive(Clone, SessionInterface)]
struct C;

fn main() {}
