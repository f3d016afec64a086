//! The handlers of the README that end all sessions of a user, served.

include!(concat!(env!("OUT_DIR"), "/everywhere.rs"));

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    actix_web::HttpServer::new(move || {
        actix_web::App::new()
            .wrap(sessions.clone())
            .app_data(Data::new(sessions.clone()))
            .service((login, devices, log_out_everywhere))
    })
    .bind(("127.0.0.1", sessions_examples_tests::port()))?
    .run()
    .await
}
