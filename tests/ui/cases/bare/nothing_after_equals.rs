//! A key and its `=` are followed by a value, whatever comes after them.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name =, secure = , data =, lifetime =)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
