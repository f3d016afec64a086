//! The type of the content is known, whatever else is wrong.

use actix_web::{App, web};
use sessions::{SecretKey, Session, SessionInterface, SignedCookie};

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct Cart {
    items: u32,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart, on_decode_error = "ignore", bogus)]
struct AppSessions {
    backend: SignedCookie,
}

async fn index(session: Session<AppSessions>) -> actix_web::Result<String> {
    session.modify(|cart| cart.items += 1)?;
    Ok(session.read(|cart| cart.items.to_string())?)
}

fn main() {
    let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
    let _ = App::new().wrap(sessions).route("/", web::get().to(index));
}
