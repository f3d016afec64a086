//! An interface is shared between the requests of all workers.

use std::cell::Cell;

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: SignedCookie,
    opened: Cell<u32>,
}

fn main() {}
