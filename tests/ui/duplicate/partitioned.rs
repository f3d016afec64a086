//! `partitioned` is given once, in one attribute or in several.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(partitioned, partitioned = true)]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(partitioned)]
#[session(partitioned = true)]
struct OtherSessions {
    backend: SignedCookie,
}

fn main() {}
