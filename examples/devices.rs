//! The devices a user is logged in on: list them, end one, end the others, log out everywhere.
//!
//!     cargo run --example devices     (then open http://localhost:8080 in two browsers)
//!
//!     curl -c jar -b jar -L --data 'name=alice&password=wonderland' http://localhost:8080/login
//!     curl -c other -b other -L --data 'name=alice&password=wonderland' http://localhost:8080/login
//!     curl -c jar -b jar -L --data '' http://localhost:8080/end-others
//!     curl -c jar -b jar -L --data '' http://localhost:8080/log-out-everywhere

use std::{
    fmt::{Display, Write},
    time::SystemTime,
};

use actix_web::{
    App, HttpServer, Responder, get, post,
    web::{Data, Form, Html, Redirect},
};
use serde::Deserialize;
use sessions::{MemoryStore, ServerSide, Session, SessionInterface, backend::OwnedSession};
use sessions_login::{LoggedIn, LoginDevice, LoginSession, Logins, SameOrigin, User, Users};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", samesite = "Strict", idle_timeout = "14 days")]
struct AppSessions {
    backend: ServerSide<MemoryStore>,
}

#[derive(Clone)]
struct Account {
    name: &'static str,
    password: &'static str,
}

impl User for Account {
    fn id(&self) -> impl Display {
        self.name
    }

    fn stamp(&self) -> impl AsRef<[u8]> {
        self.password // your application returns the password's hash
    }
}

#[derive(Clone)]
struct Accounts;

impl Users for Accounts {
    type User = Account;

    async fn find(&self, name: &str) -> actix_web::Result<Option<Account>> {
        let alice = Account { name: "alice", password: "wonderland" };
        Ok(Some(alice).filter(|alice| alice.name == name))
    }
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
async fn index(
    user: Option<LoggedIn<Account>>,
    session: Session,
    sessions: Data<AppSessions>,
) -> actix_web::Result<Html> {
    let Some(user) = user else { return Ok(Html::new(LOGIN)) };
    let mut rows = String::new();
    for device in sessions.backend.sessions_of(user.name).await? {
        let _ = write!(rows, "<tr>{}</tr>", row(&device, device.is_current(&session)));
    }
    Ok(Html::new(DEVICES.replace("{owner}", &escaped(user.name)).replace("{rows}", &rows)))
}

fn row(session: &OwnedSession, is_current: bool) -> String {
    let device = session.device().map(|device| device.to_string()).unwrap_or_default();
    let (device, id) = (escaped(&device), session.id());
    let (created, seen) = (ago(session.created()), ago(session.last_seen()));
    let action = if is_current {
        "this one".to_owned()
    } else {
        format!("<form method=post action=/end><button name=id value={id}>end</button></form>")
    };
    format!("<td>{device}</td><td>{created}</td><td>{seen}</td><td>{action}</td>")
}

#[post("/login")]
async fn login(
    form: Form<Credentials>,
    session: Session,
    accounts: Data<Accounts>,
) -> actix_web::Result<impl Responder> {
    let account = accounts.find(&form.name).await?;
    // Your application verifies a password hash here: see the example `login`.
    if let Some(account) = account.filter(|account| account.password == form.password) {
        session.log_in(&account)?; // notes the device
    }
    Ok(Redirect::to("/").see_other())
}

#[post("/end")]
async fn end_one(
    user: LoggedIn<Account>,
    form: Form<Device>,
    sessions: Data<AppSessions>,
) -> actix_web::Result<impl Responder> {
    sessions.backend.end_by_id(user.name, &form.id).await?; // only a session of this user
    Ok(Redirect::to("/").see_other())
}

#[post("/end-others")]
async fn end_others(
    _: LoggedIn<Account>,
    session: Session,
    sessions: Data<AppSessions>,
) -> actix_web::Result<impl Responder> {
    sessions.backend.end_others(&session).await?;
    Ok(Redirect::to("/").see_other())
}

#[post("/log-out-everywhere")]
async fn log_out_everywhere(
    user: LoggedIn<Account>,
    session: Session,
    sessions: Data<AppSessions>,
) -> actix_web::Result<impl Responder> {
    session.log_out()?; // removes the cookie of this device
    sessions.backend.end_all(user.name).await?;
    Ok(Redirect::to("/").see_other())
}

fn ago(time: SystemTime) -> String {
    match time.elapsed().unwrap_or_default().as_secs() / 60 {
        0 => "just now".to_owned(),
        minutes @ 1..60 => format!("{minutes} min ago"),
        minutes => format!("{} h ago", minutes / 60),
    }
}

/// Escapes text for HTML: a client sends what it likes as its user agent.
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
        App::new()
            .app_data(Data::new(sessions.clone()))
            .app_data(Data::new(Accounts))
            .service((index, login, end_one, end_others, log_out_everywhere))
            .wrap(Logins::new(Accounts).login_page("/").devices())
            .wrap(sessions.clone())
            .wrap(SameOrigin::new().allow_unknown()) // so that `curl` may log in
    })
    .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    server.run().await
}
