//! The type of the content is made by default for a session that holds nothing yet.

use sessions::{SessionInterface, SignedCookie};

#[derive(serde::Deserialize, serde::Serialize)]
struct Cart {
    items: Vec<String>,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
