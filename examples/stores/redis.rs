//! Sessions in Redis: they survive a restart of this program. While Redis is down, a request that needs
//! its session gets a 503, never a new and empty session; pages without a session still answer.
//!
//!     REDIS_URL=redis://127.0.0.1:6379 cargo run --example redis
//!
//!     curl -c jar -b jar http://localhost:8080
//!     curl -c jar -b jar http://localhost:8080
//!     redis-cli shutdown
//!     curl -i -b jar http://localhost:8080
//!     curl http://localhost:8080/about

use std::{env, io, process};

use actix_web::{App, HttpServer, Responder, delete, get};
use sessions::{ServerSide, Session, SessionInterface};
use sessions_redis::RedisStore;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", lifetime = "14 days", samesite = "Strict")]
struct AppSessions {
    backend: ServerSide<RedisStore>,
}

#[get("/")]
async fn visit(session: Session) -> actix_web::Result<impl Responder> {
    let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(format!("visit number {visits}\n"))
}

#[delete("/")]
async fn leave(session: Session) -> actix_web::Result<impl Responder> {
    session.purge()?;
    Ok("goodbye\n")
}

#[get("/about")]
async fn about() -> &'static str {
    "this page uses no session\n"
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let url = env::var("REDIS_URL").unwrap_or("redis://127.0.0.1:6379".to_owned());
    let store = RedisStore::connect(url).await.unwrap_or_else(|err| {
        eprintln!("{err}.");
        eprintln!("Set the URL like this: REDIS_URL=redis://user:password@host:6379");
        process::exit(1)
    });
    let sessions = AppSessions { backend: ServerSide::new(store) };
    sessions.check()?;
    let server = HttpServer::new(move || {
        App::new().wrap(sessions.clone()).service(visit).service(leave).service(about)
    })
    .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    server.run().await
}
