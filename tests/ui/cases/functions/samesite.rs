//! A function for `samesite` answers with a `SameSite`.

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

fn wrong(_: &AppSessions, _: &HttpRequest) -> &'static str {
    "Strict"
}

#[derive(Clone, SessionInterface)]
#[session(samesite = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
