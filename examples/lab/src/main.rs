//! The lab: a small shop in a browser that shows what a session is and does.
//!
//! ```sh
//!     cargo run -p sessions-lab                                   # then open http://localhost:8080
//!     SESSIONS_BACKEND=signed cargo run -p sessions-lab           # or encrypted, memory, and the URL of a store
//!     LAB_SESSION_IDLE_TIMEOUT="10 min" cargo run -p sessions-lab # any policy that no attribute sets
//! ```

mod accounts;
mod backend;
mod metrics;
mod page;
mod pages;
mod sessions;

use std::{env, error::Error};

use ::sessions::SessionInterface as _;
use actix_web::{
    App, HttpServer,
    middleware::DefaultHeaders,
    web::{Data, scope},
};
use sessions_login::{Logins, SameOrigin};

use crate::{
    accounts::Accounts,
    backend::Backend,
    sessions::{ApiSessions, LabSessions, ThemeSessions, WidgetSessions},
};

/// No script and no style but our own files, no frame around our pages, no form to another site.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port: u16 = env::var("PORT").unwrap_or("8080".to_owned()).parse()?;
    let recorder = Data::new(metrics::record()?);
    let accounts = Accounts::open().await?;
    let keys = backend::keys()?;
    let backend = Backend::from_env(&keys).await?;
    let sessions = LabSessions::new(&backend)?;
    let (theme, widget) = (ThemeSessions::new(&keys), WidgetSessions::new(&keys));
    let api = ApiSessions::new(&backend);
    sessions.check()?;
    theme.check()?;
    widget.check()?;
    api.as_ref().map_or(Ok(()), ApiSessions::check)?;

    let server = HttpServer::new(move || {
        let logins = Logins::new(accounts.clone())
            .in_session::<LabSessions>()
            .login_page("/login")
            .confirm_page("/confirm")
            .devices();
        let headers = DefaultHeaders::new()
            .add(("Content-Security-Policy", CONTENT_SECURITY_POLICY))
            .add(("X-Content-Type-Options", "nosniff"))
            .add(("Referrer-Policy", "same-origin"));
        // Actix calls the last `wrap` first.
        let site = scope("")
            .service(pages::widget::routes(widget.clone()))
            .configure(pages::routes)
            .wrap(logins)
            .wrap(theme.clone())
            .wrap(sessions.clone())
            .wrap(SameOrigin::new())
            .wrap(headers);
        App::new()
            .app_data(Data::new(accounts.clone()))
            .app_data(Data::new(backend.clone()))
            .app_data(Data::new(sessions.clone()))
            .app_data(recorder.clone())
            .configure(|app| pages::api::routes(app, &accounts, api.as_ref()))
            .service(site)
    })
    .bind(("127.0.0.1", port))?;
    println!("open http://localhost:{port}");
    server.run().await?;
    Ok(())
}
