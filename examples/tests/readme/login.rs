//! The handlers of the README's login, served.

include!(concat!(env!("OUT_DIR"), "/login.rs"));

#[derive(Clone, sessions::SessionInterface)]
#[session(cookie_name = "__Host-app", samesite = "Strict")]
struct AppSessions {
    backend: sessions::SignedCookie,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let key = sessions::SecretKey::from_env("SECRET_KEY")?;
    let sessions = AppSessions { backend: sessions::SignedCookie::new(key) };
    actix_web::HttpServer::new(move || {
        actix_web::App::new().wrap(sessions.clone()).service((index, login, logout))
    })
    .bind(("127.0.0.1", sessions_examples_tests::port()))?
    .run()
    .await
}
