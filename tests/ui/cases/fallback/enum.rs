//! Even an enum is one error, and not one more for each place where it is used.

use actix_web::{App, web};
use sessions::{SecretKey, Session, SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
enum AppSessions {
    Signed(SignedCookie),
}

async fn index(session: Session<AppSessions>) -> actix_web::Result<String> {
    Ok(session.keys().join(" "))
}

fn main() {
    let sessions = AppSessions::Signed(SignedCookie::new(SecretKey::generate()));
    let _ = App::new().wrap(sessions).route("/", web::get().to(index));
}
