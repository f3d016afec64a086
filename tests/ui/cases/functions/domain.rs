//! A function for the domain may answer that there is none.

use std::borrow::Cow;

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

fn wrong<'r>(_: &'r AppSessions, request: &'r HttpRequest) -> Cow<'r, str> {
    request.path().into()
}

#[derive(Clone, SessionInterface)]
#[session(domain = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
