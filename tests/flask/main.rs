//! Flask: its behaviours, its cookies to the byte, and the sessions that both read.

mod flask_conformance;
mod flask_cookie;
mod flask_expiry;
mod flask_golden;
mod flask_headers;
mod flask_saving;
mod flask_settings;
mod flask_untouched;
mod flask_values;

use sessions::{Session, SessionConfig};
use sessions_tests::key;

fn signed() -> SessionConfig {
    SessionConfig::new().secret_key(key(1))
}

async fn read(session: Session) -> actix_web::Result<String> {
    let value = session.get::<u32>("a")?;
    Ok(value.map_or_else(|| "none".to_owned(), |value| value.to_string()))
}

async fn set(session: Session) -> actix_web::Result<&'static str> {
    session.insert("a", 1)?;
    Ok("set")
}
