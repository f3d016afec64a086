//! A function for the name answers with a `Cow`.

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

fn wrong(_: &AppSessions, request: &HttpRequest) -> bool {
    request.path().is_empty()
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
