//! Pages of a Flask application with Flask-Login and Flask-WTF, served by Actix: both sides share the session,
//! and who logs in, or out, at one of them does so at both. Flask serves the form
//! (`tests/conformance/login_app.py`).
//!
//!     FLASK_SECRET_KEY=dev cargo run --example flask_login
//!     FLASK_SECRET_KEY=dev PORT=5000 python tests/conformance/login_app.py

use std::{env, fmt::Display, io, time::SystemTime};

use actix_web::{App, HttpResponse, HttpServer, get, post, web};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sessions::{Session, SessionConfig, SessionInterface, flask::FlaskCookie};
use sessions_login::{
    FlaskLogin, LoggedIn, LoginSession, Logins, RecentLogin, SessionProtection, User, Users,
};
use sha1::{Digest, Sha1};

#[derive(Clone, SessionInterface)]
struct FlaskSessions {
    config: SessionConfig,
    backend: FlaskCookie,
}

struct Account {
    id: String,
}

impl User for Account {
    fn id(&self) -> impl Display {
        &self.id // what `get_id` returns in Flask
    }

    fn stamp(&self) -> impl AsRef<[u8]> {
        "" // Flask-Login has none: an id that changes with the password ends sessions
    }
}

/// The users, who are those of the Flask application.
#[derive(Clone)]
struct Accounts;

impl Users for Accounts {
    type User = Account;

    async fn find(&self, id: &str) -> actix_web::Result<Option<Account>> {
        Ok(Some(Account { id: id.to_owned() }))
    }
}

/// The key that signs the tokens of forms, as in Flask-WTF.
struct FormKey(String);

#[derive(Deserialize)]
struct LoginForm {
    name: String,
    remember: Option<String>,
    permanent: Option<String>,
}

#[derive(Deserialize)]
struct NameForm {
    name: String,
    csrf_token: String,
}

#[get("/me")]
async fn me(user: Option<LoggedIn<Account>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id.clone())
}

/// Whether the login is fresh, as Flask-Login's `login_fresh()` says.
#[get("/fresh")]
async fn fresh(_user: Option<LoggedIn<Account>>, session: Session) -> actix_web::Result<String> {
    Ok(session.get("_fresh")?.unwrap_or(false).to_string())
}

#[get("/recent")]
async fn recent(user: RecentLogin<Account, 15>) -> String {
    user.id.clone()
}

#[post("/login")]
async fn login(session: Session, form: web::Form<LoginForm>) -> actix_web::Result<&'static str> {
    // Your application verifies a password here.
    session.log_in(&Account { id: form.name.clone() })?;
    if form.permanent.is_some() {
        session.set_permanent(true)?;
    }
    if form.remember.is_some() {
        session.insert("_remember", "set")?; // Flask sets its cookie with its next page
    }
    Ok("ok")
}

#[post("/confirm")]
async fn confirm(_: LoggedIn<Account>, session: Session) -> actix_web::Result<&'static str> {
    // Your application verifies the password again here.
    session.confirm()?;
    Ok("ok")
}

#[post("/logout")]
async fn logout(session: Session) -> actix_web::Result<&'static str> {
    session.log_out()?;
    Ok("ok")
}

#[post("/rename")]
async fn rename(
    user: Option<LoggedIn<Account>>,
    session: Session,
    key: web::Data<FormKey>,
    form: web::Form<NameForm>,
) -> actix_web::Result<HttpResponse> {
    let expected: Option<String> = session.get("csrf_token")?;
    let (Some(user), Some(token)) = (user, key.open(&form.csrf_token)) else {
        return Ok(HttpResponse::BadRequest().body("refused"));
    };
    if expected.is_none_or(|expected| expected != token) {
        return Ok(HttpResponse::BadRequest().body("refused"));
    }
    Ok(HttpResponse::Ok().body(format!("{} is {}", user.id, form.name)))
}

impl FormKey {
    /// Reads the key as Flask does: JSON, or else the text.
    fn from_env() -> Self {
        let text = env::var("FLASK_SECRET_KEY").unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or(text))
    }

    /// Returns the content of a Flask-WTF token that was signed with this key in the last hour.
    fn open(&self, token: &str) -> Option<String> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (payload, seconds) = signed.rsplit_once('.')?;
        let key = Sha1::digest(["wtf-csrf-token", "signer", &self.0].concat());
        let mut mac = Hmac::<Sha1>::new_from_slice(&key).ok()?;
        mac.update(signed.as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let seconds = URL_SAFE_NO_PAD.decode(seconds).ok()?;
        let signed_at = seconds.iter().fold(0, |seconds, byte| seconds << 8 | u64::from(*byte));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let is_fresh = now.checked_sub(signed_at)? <= 3_600;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok().filter(|_| is_fresh)?;
        serde_json::from_slice(&payload).ok()
    }
}

/// Returns the protection of sessions that the Flask application is set to.
fn protection() -> SessionProtection {
    match env::var("FLASK_SESSION_PROTECTION").as_deref() {
        Err(_) | Ok("basic") => SessionProtection::Basic,
        Ok("strong") => SessionProtection::Strong,
        Ok(_) => SessionProtection::Off,
    }
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let config = SessionConfig::from_flask_prefixed_env("FLASK_")?;
    let sessions = FlaskSessions { backend: FlaskCookie::from_config(&config), config };
    sessions.check()?;
    let logins =
        Logins::new(Accounts).flask_login(FlaskLogin::new().session_protection(protection()));
    let key = web::Data::new(FormKey::from_env());
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(key.clone())
            .service((me, fresh, recent, login, confirm, logout, rename))
            .wrap(logins.clone())
            .wrap(sessions.clone())
    })
    .workers(1)
    .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    server.run().await
}
