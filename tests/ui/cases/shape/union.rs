//! A union is no interface.

use sessions::SessionInterface;

#[derive(Clone, Copy, SessionInterface)]
union AppSessions {
    backend: u32,
}

fn main() {}
