//! `confidential` is given once, in one attribute or in several.

use sessions::{EncryptedCookie, SessionInterface};

#[derive(Clone, SessionInterface)]
#[session(confidential, confidential)]
struct AppSessions {
    backend: EncryptedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(confidential)]
#[session(confidential)]
struct OtherSessions {
    backend: EncryptedCookie,
}

fn main() {}
