//! A function for `partitioned` is not async.

use actix_web::HttpRequest;
use sessions::{SessionInterface, SignedCookie};

async fn wrong(_: &AppSessions, _: &HttpRequest) -> bool {
    true
}

#[derive(Clone, SessionInterface)]
#[session(partitioned = wrong)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
