//! A function for uses borrows the request.

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

fn wrong(_: &AppSessions, _: HttpRequest) -> bool {
    true
}

#[derive(Clone, SessionInterface)]
#[session(is_use = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
