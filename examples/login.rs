//! Logging in and out: `renew` at login, `purge` at logout, a message for the next page after both.
//!
//!     cargo run --example login
//!
//!     curl -c jar -b jar -L --data 'name=alice&password=wonderland' http://localhost:8080/login
//!     curl -c jar -b jar -L --data '' http://localhost:8080/logout

use actix_web::{App, HttpServer, Responder, get, post, web, web::Redirect};
use serde::Deserialize;
use sessions::{SecretKey, Session, SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-login", idle_timeout = "30 min", absolute_timeout = "8 hours")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[get("/")]
async fn index(session: Session) -> actix_web::Result<impl Responder> {
    let mut lines: Vec<String> =
        session.take_flashes()?.into_iter().map(|(_, text)| text).collect();
    let user: Option<String> = session.get("user")?;
    lines.push(format!("You are {}.\n", user.as_deref().unwrap_or("nobody")));
    Ok(lines.join("\n"))
}

#[post("/login")]
async fn login(
    form: web::Form<Credentials>,
    session: Session,
) -> actix_web::Result<impl Responder> {
    // An application of yours compares a password hash here.
    if (form.name.as_str(), form.password.as_str()) == ("alice", "wonderland") {
        session.renew()?; // a token planted before the login does not become a logged-in one
        session.insert("user", &form.name)?;
        session.flash("success", "Welcome back.")?;
    } else {
        session.flash("error", "Name or password is wrong.")?;
    }
    Ok(Redirect::to("/").see_other())
}

#[post("/logout")]
async fn logout(session: Session) -> actix_web::Result<impl Responder> {
    session.purge()?; // what follows starts a new session
    session.flash("success", "Goodbye.")?;
    Ok(Redirect::to("/").see_other())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080);
    // Of an example: everybody is logged out when it restarts. See quickstart for a key that stays.
    let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
    println!("open http://localhost:{port}");
    HttpServer::new(move || {
        App::new().wrap(sessions.clone()).service(index).service(login).service(logout)
    })
    .bind(("127.0.0.1", port))?
    .run()
    .await
}
