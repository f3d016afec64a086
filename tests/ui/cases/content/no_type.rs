//! The type of the content is one that is known here.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(data = Kart)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
