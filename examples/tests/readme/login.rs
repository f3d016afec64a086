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
    let alice = Account { name: "alice".to_owned(), password_hash: "wonderland".to_owned() };
    let accounts = Accounts(vec![alice]);
    actix_web::HttpServer::new(move || {
        actix_web::App::new()
            .app_data(Data::new(accounts.clone()))
            .service((index, login, logout))
            .wrap(sessions_login::Logins::new(accounts.clone()).login_page("/login"))
            .wrap(sessions.clone())
    })
    .bind(("127.0.0.1", sessions_examples_tests::port()))?
    .run()
    .await
}
