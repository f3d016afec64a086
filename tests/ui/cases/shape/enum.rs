//! An enum has no field that could be the backend.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
enum AppSessions {
    Signed(SignedCookie),
}

fn main() {}
