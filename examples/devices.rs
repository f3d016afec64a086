//! The devices a user is logged in on: list them, end one, end the others, log out everywhere.
//!
//!     cargo run --example devices     (then open http://localhost:8080 in two browsers)
//!
//!     curl -c jar -b jar -L --data 'name=alice&password=wonderland' http://localhost:8080/login
//!     curl -c other -b other -L --data 'name=alice&password=wonderland' http://localhost:8080/login
//!     curl -c jar -b jar -L --data '' http://localhost:8080/end-others
//!     curl -c jar -b jar -L --data '' http://localhost:8080/log-out-everywhere

use std::{fmt::Write, time::SystemTime};

use actix_web::{
    App, HttpRequest, HttpServer, Responder, get,
    http::header::USER_AGENT,
    post,
    web::{Data, Form, Html, Redirect},
};
use serde::Deserialize;
use sessions::{MemoryStore, ServerSide, Session, SessionInterface, backend::OwnedSession};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", samesite = "Strict", idle_timeout = "14 days")]
struct AppSessions {
    backend: ServerSide<MemoryStore>,
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct Device {
    id: String,
}

#[get("/")]
async fn index(session: Session, sessions: Data<AppSessions>) -> actix_web::Result<Html> {
    let Some(owner) = session.owner() else { return Ok(Html::new(LOGIN)) };
    let mut rows = String::new();
    for device in sessions.backend.sessions_of(&owner).await? {
        let _ = write!(rows, "<tr>{}</tr>", row(&device, device.is_current(&session))?);
    }
    Ok(Html::new(DEVICES.replace("{owner}", &escaped(&owner)).replace("{rows}", &rows)))
}

fn row(device: &OwnedSession, is_current: bool) -> actix_web::Result<String> {
    let name: String = device.get("device")?.unwrap_or_default();
    let (name, id) = (escaped(&name), device.id());
    let (created, seen) = (ago(device.created()), ago(device.last_seen()));
    let action = if is_current {
        "this one".to_owned()
    } else {
        format!("<form method=post action=/end><button name=id value={id}>end</button></form>")
    };
    Ok(format!("<td>{name}</td><td>{created}</td><td>{seen}</td><td>{action}</td>"))
}

#[post("/login")]
async fn login(
    request: HttpRequest,
    form: Form<Credentials>,
    session: Session,
) -> actix_web::Result<impl Responder> {
    // Your application verifies a password hash here.
    if (form.name.as_str(), form.password.as_str()) == ("alice", "wonderland") {
        session.set_owner(&form.name)?; // names the user, and renews the token
        let device = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        session.insert("device", device.unwrap_or("unknown device"))?;
    }
    Ok(Redirect::to("/").see_other())
}

#[post("/end")]
async fn end_one(
    form: Form<Device>,
    session: Session,
    sessions: Data<AppSessions>,
) -> actix_web::Result<impl Responder> {
    if let Some(owner) = session.owner() {
        sessions.backend.end_by_id(owner, &form.id).await?; // only a session of this owner
    }
    Ok(Redirect::to("/").see_other())
}

#[post("/end-others")]
async fn end_others(
    session: Session,
    sessions: Data<AppSessions>,
) -> actix_web::Result<impl Responder> {
    sessions.backend.end_others(&session).await?;
    Ok(Redirect::to("/").see_other())
}

#[post("/log-out-everywhere")]
async fn log_out_everywhere(
    session: Session,
    sessions: Data<AppSessions>,
) -> actix_web::Result<impl Responder> {
    if let Some(owner) = session.owner() {
        session.purge()?; // removes the cookie of this device
        sessions.backend.end_all(owner).await?;
    }
    Ok(Redirect::to("/").see_other())
}

fn ago(time: SystemTime) -> String {
    match time.elapsed().unwrap_or_default().as_secs() / 60 {
        0 => "just now".to_owned(),
        minutes @ 1..60 => format!("{minutes} min ago"),
        minutes => format!("{} h ago", minutes / 60),
    }
}

/// Escapes text for HTML: a client may send any text as its user agent.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const LOGIN: &str = "<!doctype html><meta charset=utf-8><title>Log in</title>
<style>body { font: 1rem/1.6 system-ui; max-width: 40rem; margin: 3rem auto }</style>
<h1>Log in</h1>
<form method=post action=/login>
  <input name=name value=alice> <input name=password type=password value=wonderland>
  <button>Log in</button>
</form>";

const DEVICES: &str = "<!doctype html><meta charset=utf-8><title>Devices</title>
<style>
  body { font: 1rem/1.6 system-ui; max-width: 60rem; margin: 3rem auto }
  td, th { padding: .3rem 1.5rem .3rem 0; text-align: left } form { display: inline }
</style>
<h1>Where {owner} is logged in</h1>
<table><tr><th>device<th>logged in<th>last seen<th></tr>{rows}</table>
<form method=post action=/end-others><button>End the others</button></form>
<form method=post action=/log-out-everywhere><button>Log out everywhere</button></form>";

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = std::env::var("PORT").unwrap_or("8080".to_owned());
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    sessions.check()?;
    let server = HttpServer::new(move || {
        App::new().wrap(sessions.clone()).app_data(Data::new(sessions.clone())).service((
            index,
            login,
            end_one,
            end_others,
            log_out_everywhere,
        ))
    })
    .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    server.run().await
}
