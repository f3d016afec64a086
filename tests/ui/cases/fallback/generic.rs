//! The generics of the struct stay with it.

use actix_web::{App, web};
use sessions::{backend::Backend, SecretKey, Session, SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(secure = "no")]
struct AppSessions<B: Backend, const N: usize>
where
    B: Clone,
{
    backend: B,
}

async fn index(session: Session<AppSessions<SignedCookie, 1>>) -> actix_web::Result<String> {
    Ok(session.keys().join(" "))
}

fn main() {
    let backend = SignedCookie::new(SecretKey::generate());
    let sessions = AppSessions::<_, 1> { backend };
    let _ = App::new().wrap(sessions).route("/", web::get().to(index));
}
