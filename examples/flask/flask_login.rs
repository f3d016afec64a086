//! Pages of a Flask application with Flask-Login and Flask-WTF, served by Actix. Flask serves the login
//! and the form (`tests/conformance/login_app.py`); both sides share the session.
//!
//!     FLASK_SECRET_KEY=dev cargo run --example flask_login
//!     FLASK_SECRET_KEY=dev PORT=5000 python tests/conformance/login_app.py

use std::{env, io, time::SystemTime};

use actix_web::{App, HttpResponse, HttpServer, get, post, web};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sessions::{Session, SessionConfig, SessionInterface, flask::FlaskCookie};
use sha1::{Digest, Sha1};

#[derive(Clone, SessionInterface)]
struct FlaskSessions {
    config: SessionConfig,
    backend: FlaskCookie,
}

/// The key that signs the tokens of forms, as in Flask-WTF.
struct FormKey(String);

#[derive(Deserialize)]
struct NameForm {
    name: String,
    csrf_token: String,
}

#[get("/me")]
async fn me(session: Session) -> actix_web::Result<String> {
    let user: Option<String> = session.get("_user_id")?;
    Ok(user.unwrap_or_else(|| "nobody".to_owned()))
}

#[post("/rename")]
async fn rename(
    session: Session,
    key: web::Data<FormKey>,
    form: web::Form<NameForm>,
) -> actix_web::Result<HttpResponse> {
    let expected: Option<String> = session.get("csrf_token")?;
    let user: Option<String> = session.get("_user_id")?;
    let (Some(user), Some(token)) = (user, key.open(&form.csrf_token)) else {
        return Ok(HttpResponse::BadRequest().body("refused"));
    };
    if expected.is_none_or(|expected| expected != token) {
        return Ok(HttpResponse::BadRequest().body("refused"));
    }
    Ok(HttpResponse::Ok().body(format!("{user} is {}", form.name)))
}

#[post("/logout")]
async fn logout(session: Session) -> actix_web::Result<&'static str> {
    for key in ["_user_id", "_fresh", "_id", "_remember_seconds"] {
        session.remove(key)?;
    }
    // Flask-Login's cookie `remember_token` would log the user in again. With this word Flask ignores
    // it, and removes it with the next page it serves.
    session.insert("_remember", "clear")?;
    Ok("ok")
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

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let config = SessionConfig::from_flask_prefixed_env("FLASK_")?;
    let sessions = FlaskSessions { backend: FlaskCookie::from_config(&config), config };
    sessions.check()?;
    let key = web::Data::new(FormKey::from_env());
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let server = HttpServer::new(move || {
        App::new().wrap(sessions.clone()).app_data(key.clone()).service((me, rename, logout))
    })
    .workers(1)
    .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    server.run().await
}
