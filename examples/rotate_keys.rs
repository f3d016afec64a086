//! Keys that change while the server runs, with every user logged in: the file `KEYS` holds one key a
//! line. The first signs, and the others verify: the key that signs `next`, and each `fallback`.
//!
//!     cargo run --example rotate_keys
//!     curl -c jar -b jar http://localhost:8080
//!
//! A change of keys has three steps, each on every host before the next. A leaked key is deleted from the
//! file at once instead.
//!
//!     # 1. All verify the new key.
//!     echo "next $(openssl rand -base64 48)" >> target/rotate_keys && pkill -HUP rotate_keys
//!     # 2. It signs, and the former one verifies.
//!     sed -i '1{s/^/fallback /;h;d};2{s/^next //;G}' target/rotate_keys && pkill -HUP rotate_keys
//!     curl -c jar -b jar http://localhost:8080
//!     # 3. When http://localhost:8080/uses counts no tokens of the fallback any more:
//!     sed -i '/^fallback /d' target/rotate_keys && pkill -HUP rotate_keys

use std::{env, error::Error, fs};

use actix_web::{App, HttpServer, get, rt, web};
use rt::signal::unix::{SignalKind, signal};
use sessions::{KeyRing, SecretKey, Session, SessionInterface, SharedKeys, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-rotate")]
struct AppSessions {
    backend: SignedCookie,
}

#[get("/")]
async fn index(session: Session) -> actix_web::Result<String> {
    Ok(format!("visit {}\n", session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?))
}

#[get("/uses")]
async fn uses(keys: web::Data<SharedKeys>) -> String {
    format!("{:?}\n", keys.uses())
}

fn read(path: &str) -> Result<KeyRing, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let mut lines = text.lines();
    let current = lines.next().ok_or("the file has no key")?;
    let ring = KeyRing::new(SecretKey::from_base64(current)?);
    lines.try_fold(ring, |ring, line| match line.split_once(' ') {
        Some(("next", key)) => Ok(ring.with_next(SecretKey::from_base64(key)?)),
        Some(("fallback", key)) => Ok(ring.with_fallback(SecretKey::from_base64(key)?)),
        _ => Err("after the first key, each line is `next KEY` or `fallback KEY`".into()),
    })
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let path = env::var("KEYS").unwrap_or_else(|_| "target/rotate_keys".into());
    if !fs::exists(&path)? {
        SecretKey::for_development(&path)?;
    }
    let keys = SharedKeys::new(read(&path)?);
    let sessions = AppSessions { backend: SignedCookie::new(keys.clone()) };
    sessions.check()?;
    let data = web::Data::new(keys.clone());
    let mut hangups = signal(SignalKind::hangup())?;
    rt::spawn(async move {
        while hangups.recv().await.is_some() {
            let result = read(&path).map(|ring| keys.replace(ring));
            result.unwrap_or_else(|err| eprintln!("the current keys stay: {err}"));
        }
    });
    let app = move || App::new().app_data(data.clone()).wrap(sessions.clone());
    let server = HttpServer::new(move || app().service(index).service(uses))
        .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    Ok(server.run().await?)
}
