//! Where the type of the content is wrong itself, the interface is there all the same.

use actix_web::{App, web};
use sessions::{SecretKey, Session, SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(data = "Cart")]
struct AppSessions {
    backend: SignedCookie,
}

async fn index(session: Session<AppSessions>) -> actix_web::Result<String> {
    session.insert("items", 1)?;
    Ok("added".to_owned())
}

fn main() {
    let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
    let _ = App::new().wrap(sessions).route("/", web::get().to(index));
}
