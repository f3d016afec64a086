//! `App::wrap` takes a value for each worker: the struct has to be `Clone`.

use sessions::{SessionInterface, SignedCookie};

#[derive(SessionInterface)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
