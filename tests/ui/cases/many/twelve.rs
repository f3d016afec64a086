//! Twelve different mistakes are twelve errors, and no more.

use actix_web::{App, web};
use sessions::{SecretKey, Session, SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(
    cookie_name = "__Host-id",
    domain = "example.com",
    path = "app",
    httponly = "yes",
    same_site = "Strict",
    lifetime = "500 days",
    permanent = true,
    permanent = false,
    salt "a",
    backend,
    open,
    save_when = "never" refresh_each_request = true,
    on_decode_error = "error",
)]
struct AppSessions {
    backend: SignedCookie,
}

async fn index(session: Session<AppSessions>) -> actix_web::Result<String> {
    session.insert("a", 1)?;
    Ok("done".to_owned())
}

fn main() {
    let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
    let _ = App::new().wrap(sessions).route("/", web::get().to(index));
}
