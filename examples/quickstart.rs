//! A visit counter that survives requests and restarts.
//!
//!     cargo run --example quickstart
//!
//! Then open <http://localhost:8080>, or count with `curl -c jar -b jar http://localhost:8080`.
//! `PORT` and `SECRET_KEY` come from the environment. Without a key, the program makes one for
//! development and keeps it in the `target` folder.

use std::{env, io, path::Path};

use actix_web::{App, HttpRequest, HttpServer, Responder, get, web::Html};
use sessions::{SecretKey, Session, SessionInterface, SignedCookie, error::KeyError};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-quickstart", permanent = true, lifetime = "14 days")]
struct AppSessions {
    backend: SignedCookie,
}

#[get("/")]
async fn index(session: Session, request: HttpRequest) -> actix_web::Result<impl Responder> {
    // The link on the page proves an earlier visit: the cookie should be in this request.
    let cookie_lost = session.is_new() && request.query_string() == "again";
    let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    let page = include_str!("quickstart.html")
        .replace("{visits}", &visits.to_string())
        .replace("{hidden}", if cookie_lost { "" } else { "hidden" });
    Ok(Html::new(page))
}

fn secret_key() -> Result<SecretKey, KeyError> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target");
    match SecretKey::from_env("SECRET_KEY") {
        Err(KeyError::Missing { .. }) => SecretKey::for_development(target.join("quickstart.key")),
        key => key,
    }
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("info"));
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let address = format!("127.0.0.1:{port}");
    let sessions = AppSessions { backend: SignedCookie::new(secret_key()?) };
    sessions.check()?;
    let server = HttpServer::new(move || App::new().wrap(sessions.clone()).service(index))
        .bind(&address)
        .map_err(|err| {
            io::Error::other(format!(
                "cannot listen on {address}: {err}; set `PORT` to another port"
            ))
        })?;
    println!("open http://localhost:{port}");
    server.run().await
}
