//! Sessions in PostgreSQL: concurrent requests keep each other's changes, and a logout ends the
//! session for every copy of its cookie.
//!
//!     DATABASE_URL=postgres://user:password@localhost/database cargo run --example postgres
//!
//!     curl -c jar http://localhost:8080
//!     seq 20 | xargs -P 20 -I_ curl -s -b jar http://localhost:8080 | sort -V
//!     curl -b jar -X DELETE http://localhost:8080
//!     curl -b jar http://localhost:8080

use std::{env, io, process, time::Duration};

use actix_web::{App, HttpServer, Responder, delete, get};
use sessions::{ServerSide, Session, SessionInterface};
use sessions_sqlx::PostgresStore;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", idle_timeout = "30 min", touch_interval = "60 s")]
struct AppSessions {
    backend: ServerSide<PostgresStore>,
}

#[get("/")]
async fn visit(session: Session) -> actix_web::Result<impl Responder> {
    session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    let saved = session.save_now().await?; // the number shown is the number stored
    let visits: Option<u32> = saved.get("visits")?;
    Ok(format!("visit number {}\n", visits.unwrap_or_default()))
}

#[delete("/")]
async fn leave(session: Session) -> actix_web::Result<impl Responder> {
    session.purge()?;
    Ok("goodbye\n")
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let url = env::var("DATABASE_URL").unwrap_or("postgres://localhost/postgres".to_owned());
    let store = PostgresStore::connect(&url).await.unwrap_or_else(|err| {
        eprintln!("{err}.");
        eprintln!("Set the URL like this: DATABASE_URL=postgres://user:password@host/database");
        process::exit(1)
    });
    store.migrate().await?;
    store.spawn_sweeper(Duration::from_mins(1));
    let sessions = AppSessions { backend: ServerSide::new(store) };
    sessions.check()?;
    let server =
        HttpServer::new(move || App::new().wrap(sessions.clone()).service(visit).service(leave))
            .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    server.run().await
}
