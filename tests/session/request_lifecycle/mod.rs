//! The life of a request: opened on first use, saved at the end, failures answered.

mod opening;
mod response_headers;
mod saving;

use std::sync::Arc;

use sessions::{Session, SessionConfig, SessionInterface, SignedCookie};
use sessions_tests::{Switched, Switches, key};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: Switched,
    config: SessionConfig,
}

fn configured(config: SessionConfig) -> (AppSessions, Arc<Switches>) {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    (AppSessions { backend, config }, switches)
}

fn plain() -> (AppSessions, Arc<Switches>) {
    configured(SessionConfig::new())
}

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

async fn read(session: Session) -> actix_web::Result<String> {
    Ok(session.get::<u32>("visits")?.map_or_else(|| "none".to_owned(), |visits| visits.to_string()))
}

async fn untouched() -> &'static str {
    "static"
}
