//! A function for `secure` borrows the interface.

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

fn wrong(_: AppSessions, _: &HttpRequest) -> bool {
    true
}

#[derive(Clone, SessionInterface)]
#[session(secure = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
