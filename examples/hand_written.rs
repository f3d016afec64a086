//! A `SessionInterface` without the derive: two methods, and the one policy that differs.
//!
//! The site and its administration are on two hosts and have two sessions. A token of one does not open
//! the other, since signatures are bound to the cookie's name.
//!
//!     cargo run --example hand_written
//!
//!     curl -c jar -b jar http://localhost:8080
//!     curl -c jar -b jar http://admin.localhost:8080

use std::borrow::Cow;

use actix_web::{App, HttpRequest, HttpServer, Responder, web};
use sessions::{
    SecretKey, Session, SessionInterface, SessionMiddleware, SessionState, SignedCookie,
    backend::Backend,
    error::{ConfigError, OpenError, SaveError},
    interface::{CheckContext, OpenContext, Opened, SaveContext, Saved, host},
};

struct TwoAreas {
    backend: SignedCookie,
}

impl SessionInterface for TwoAreas {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.backend.open(&cx).await
    }

    async fn save_session(
        &self,
        content: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.backend.save(content, &cx).await
    }

    fn check_backend(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        self.backend.check(cx)
    }

    fn cookie_name<'a>(&'a self, request: &'a HttpRequest) -> Cow<'a, str> {
        // What routing uses. `connection_info` would obey the client's `X-Forwarded-Host`.
        let admin = host(request).is_some_and(|host| host == "admin.localhost");
        Cow::Borrowed(if admin { "__Host-admin" } else { "__Host-site" })
    }
}

async fn index(session: Session) -> actix_web::Result<impl Responder> {
    let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(format!("visit number {visits} to this host\n"))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = std::env::var("PORT").unwrap_or("8080".to_owned());
    let sessions = TwoAreas { backend: SignedCookie::new(SecretKey::generate()) };
    sessions.check()?;
    let sessions = SessionMiddleware::new(sessions);
    let server =
        HttpServer::new(move || App::new().wrap(sessions.clone()).default_service(web::to(index)))
            .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port} and http://admin.localhost:{port}");
    server.run().await
}
