//! A function for the path takes the interface first.

use std::borrow::Cow;

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

fn wrong(request: &HttpRequest) -> Cow<'_, str> {
    request.path().into()
}

#[derive(Clone, SessionInterface)]
#[session(path = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
