//! A struct with mistakes is an interface all the same: whoever uses it is told nothing else.

use actix_web::{App, HttpRequest, web};
use sessions::{
    ReadSession, SecretKey, Session, SessionExt, SessionInterface, SessionMiddleware, SignedCookie,
};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "a;b", same_site = "Lax")]
struct AppSessions {
    backend: SignedCookie,
}

async fn write(session: Session<AppSessions>) -> actix_web::Result<String> {
    session.insert("a", 1)?;
    Ok("done".to_owned())
}

async fn read(session: ReadSession<AppSessions>, request: HttpRequest) -> actix_web::Result<String> {
    let same = request.session_of::<AppSessions>().await?;
    Ok(format!("{:?} {:?}", session.get::<u32>("a")?, same.get::<u32>("a")?))
}

fn main() {
    let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
    let _ = sessions.check();
    let _ = App::new().wrap(sessions.clone()).route("/", web::get().to(write));
    let _ = App::new().wrap(SessionMiddleware::new(sessions)).route("/", web::get().to(read));
}
