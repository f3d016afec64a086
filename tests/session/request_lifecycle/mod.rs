//! The life of a request: opened on first use, saved at the end, failures answered.

mod opening;
mod response_headers;
mod saving;

use std::sync::Arc;

use sessions::{Session, SessionConfig};
use sessions_tests::{AppSessions, Switched, Switches};

fn plain() -> (AppSessions<Switched>, Arc<Switches>) {
    Switched::sessions(SessionConfig::new())
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
