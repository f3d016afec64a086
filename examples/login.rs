//! Logging in and out: `renew` at login, `purge` at logout, and a message for the next page.
//!
//!     cargo run --example login
//!
//!     curl -c jar -b jar -L --data 'name=alice&password=wonderland' http://localhost:8080/login
//!     curl -c jar -b jar -L --data '' http://localhost:8080/logout

use std::{env, io};

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
    lines.push(format!("You are {}.\n", user.as_deref().unwrap_or("not logged in")));
    Ok(lines.join("\n"))
}

#[post("/login")]
async fn login(
    form: web::Form<Credentials>,
    session: Session,
) -> actix_web::Result<impl Responder> {
    // Your application verifies a password hash here.
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
    session.purge()?; // what is written after it starts a new session
    session.flash("success", "Goodbye.")?;
    Ok(Redirect::to("/").see_other())
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let address = format!("127.0.0.1:{port}");
    // A key for this run only: a restart logs every user out. The quickstart keeps its key.
    let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
    sessions.check()?;
    let server = HttpServer::new(move || {
        App::new().wrap(sessions.clone()).service(index).service(login).service(logout)
    })
    .bind(&address)
    .map_err(|err| {
        io::Error::other(format!("cannot listen on {address}: {err}; set `PORT` to another port"))
    })?;
    println!("open http://localhost:{port}");
    server.run().await
}
