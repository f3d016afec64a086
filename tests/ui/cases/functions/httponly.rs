//! A function for `httponly` borrows the request.

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

fn wrong(_: &AppSessions, _: HttpRequest) -> bool {
    true
}

#[derive(Clone, SessionInterface)]
#[session(httponly = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
