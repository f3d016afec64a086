//! The field that opens and saves is a backend.

use sessions::SessionInterface;

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: String,
}

fn main() {}
